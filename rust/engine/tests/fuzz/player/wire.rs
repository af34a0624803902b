//! Protobuf without a schema: an encoding taken apart, made wrong in one place, and put together.

use super::source::Source;

/// Deeper than any reader follows.
const DEEP: usize = 150;
/// The number of a failure's cause.
const CAUSE: u64 = 4;
/// Messages within messages, as far as they are taken apart.
const PARSED: usize = 24;
/// Where arithmetic goes wrong: ends of types, of the protocol's durations, of the engine's ids.
const NUMBERS: [u64; 18] = [
    0,
    1,
    2,
    3,
    u64::MAX,
    i64::MAX as u64,
    i64::MIN as u64,
    i32::MAX as u64,
    i32::MIN as i64 as u64,
    u32::MAX as u64,
    1 << 22,
    1 << 41,
    315_576_000_000,
    9_223_372_036,
    999_999_999,
    1_000_000_000,
    1_700_000_000,
    -1_000_000_000_i64 as u64,
];

#[derive(Clone)]
pub(crate) struct Field {
    number: u64,
    value: Value,
}

#[derive(Clone)]
enum Value {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(Vec<u8>),
    Message(Vec<Field>),
    Fixed32([u8; 4]),
}

fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn write_varint(mut value: u64, into: &mut Vec<u8>) {
    while value > 0x7f {
        into.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}

/// The fields of a message, if it is one.
pub(crate) fn parse(bytes: &[u8]) -> Option<Vec<Field>> {
    parse_within(bytes, PARSED)
}

fn parse_within(mut bytes: &[u8], depth: usize) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = read_varint(&mut bytes)?;
        let value = match tag & 7 {
            0 => Value::Varint(read_varint(&mut bytes)?),
            1 => Value::Fixed64(*bytes.split_off(..8)?.first_chunk()?),
            2 => {
                let length = usize::try_from(read_varint(&mut bytes)?).ok()?;
                let inner = bytes.split_off(..length)?;
                match depth.checked_sub(1).and_then(|depth| parse_within(inner, depth)) {
                    Some(fields) if !fields.is_empty() => Value::Message(fields),
                    _ => Value::Bytes(inner.to_vec()),
                }
            }
            5 => Value::Fixed32(*bytes.split_off(..4)?.first_chunk()?),
            _ => return None,
        };
        if tag >> 3 == 0 {
            return None;
        }
        fields.push(Field { number: tag >> 3, value });
    }
    Some(fields)
}

pub(crate) fn encode(fields: &[Field]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for field in fields {
        let (kind, content) = match &field.value {
            Value::Varint(value) => {
                write_varint(field.number << 3, &mut bytes);
                write_varint(*value, &mut bytes);
                continue;
            }
            Value::Fixed64(value) => (1, value.to_vec()),
            Value::Bytes(value) => (2, value.clone()),
            Value::Message(fields) => (2, encode(fields)),
            Value::Fixed32(value) => (5, value.to_vec()),
        };
        write_varint((field.number << 3) | kind, &mut bytes);
        if kind == 2 {
            write_varint(content.len() as u64, &mut bytes);
        }
        bytes.extend(content);
    }
    bytes
}

/// The strings and bytes in a message: names, ids and tokens to use elsewhere.
pub(crate) fn strings(fields: &[Field], into: &mut Vec<Vec<u8>>) {
    for field in fields {
        match &field.value {
            Value::Bytes(bytes) => into.push(bytes.clone()),
            Value::Message(inner) => {
                into.push(encode(inner)); // tokens are messages themselves
                strings(inner, into);
            }
            _ => {}
        }
    }
}

/// Where every field is: the indices that lead to it.
fn paths(fields: &[Field], prefix: &[usize], into: &mut Vec<Vec<usize>>) {
    for (index, field) in fields.iter().enumerate() {
        let path = [prefix, &[index]].concat();
        if let Value::Message(inner) = &field.value {
            paths(inner, &path, into);
        }
        into.push(path);
    }
}

/// The list that the field is in.
fn list<'a>(fields: &'a mut Vec<Field>, path: &[usize]) -> &'a mut Vec<Field> {
    let [index, rest @ ..] = path else { return fields };
    if rest.is_empty() {
        return fields;
    }
    match &mut fields[*index].value {
        Value::Message(inner) => list(inner, rest),
        _ => unreachable!("a path leads through messages"),
    }
}

/// Make one thing of the message different. `pool` has strings that mean something.
pub(crate) fn mutate(fields: &mut Vec<Field>, source: &mut Source, pool: &[Vec<u8>]) {
    let mut all = Vec::new();
    paths(fields, &[], &mut all);
    let graft = source.pick(&all).map(|path| list(fields, path)[*path.last().unwrap()].clone());
    let Some(path) = source.pick(&all).cloned() else {
        let value = Value::Bytes(string(source, pool));
        return fields.push(Field { number: source.below(20) as u64 + 1, value });
    };
    let index = *path.last().unwrap();
    let list = list(fields, &path);
    match source.below(32) {
        0..4 => {
            list.remove(index);
        }
        4 => list.extend(std::iter::repeat_n(list[index].clone(), source.below(5) + 1)),
        5 => list[index].number = source.below(40) as u64 + 1,
        6 => list.extend(graft),
        7 => list[index].value = wrong_type(source, pool),
        8..10 => nest(&mut list[index], source),
        10 => {
            let value = wrong_type(source, pool);
            list.push(Field { number: source.below(40) as u64 + 1, value });
        }
        11 => list.push(Field {
            number: source.below(40) as u64 + 1,
            value: Value::Varint(extreme(source)),
        }),
        _ => change(&mut list[index].value, source, pool),
    }
}

fn change(value: &mut Value, source: &mut Source, pool: &[Vec<u8>]) {
    match value {
        Value::Varint(number) => *number = extreme(source),
        Value::Fixed64(bytes) => *bytes = extreme(source).to_le_bytes(),
        Value::Fixed32(bytes) => *bytes = (extreme(source) as u32).to_le_bytes(),
        Value::Bytes(bytes) => {
            if let (true, Some(position)) = (source.one_in(4), bytes.first().map(|_| source.byte()))
            {
                let position = usize::from(position) % bytes.len();
                bytes[position] ^= source.byte();
            } else {
                *bytes = string(source, pool);
            }
        }
        Value::Message(fields) => match source.below(8) {
            0 => fields.clear(),
            1 => *value = Value::Bytes(string(source, pool)),
            2 => fields.truncate(fields.len() / 2),
            _ => {
                if let Some(field) = fields.first_mut() {
                    change(&mut field.value, source, pool);
                }
            }
        },
    }
}

fn extreme(source: &mut Source) -> u64 {
    match source.below(8) {
        0 => source.number(),
        1 => f64::to_bits(*source.pick(&[f64::NAN, f64::INFINITY, -1.0, 0.0, 1e308]).unwrap()),
        2 => u64::from(source.byte()),
        _ => *source.pick(&NUMBERS).unwrap(),
    }
}

fn string(source: &mut Source, pool: &[Vec<u8>]) -> Vec<u8> {
    match source.below(12) {
        0 => Vec::new(),
        1 => {
            let length = source.below(40);
            source.take(length)
        }
        2 => vec![b'x'; 1 << source.below(12)],
        3 if source.one_in(8) => vec![b'x'; 3 << 20],
        4 => b"\0 '\"%_\\ \xf0\x9f\xa6\x80".to_vec(),
        _ => source.pick(pool).cloned().unwrap_or_default(),
    }
}

fn wrong_type(source: &mut Source, pool: &[Vec<u8>]) -> Value {
    match source.below(4) {
        0 => Value::Varint(extreme(source)),
        1 => Value::Fixed64(extreme(source).to_le_bytes()),
        2 => Value::Fixed32((extreme(source) as u32).to_le_bytes()),
        _ => Value::Bytes(string(source, pool)),
    }
}

/// Put the field into many more like it, as a failure is the cause of a failure is the cause.
fn nest(field: &mut Field, source: &mut Source) {
    let number = if source.one_in(2) { field.number } else { CAUSE };
    let mut inner = match std::mem::replace(&mut field.value, Value::Varint(0)) {
        Value::Message(fields) => fields,
        value => vec![Field { number, value }],
    };
    for _ in 0..source.below(DEEP) {
        inner = vec![Field { number, value: Value::Message(inner) }];
    }
    field.value = Value::Message(inner);
}

/// Damage an encoding without understanding it.
pub(crate) fn damage(bytes: &mut Vec<u8>, source: &mut Source) {
    let at = source.below(usize::from(u16::MAX)) % (bytes.len() + 1);
    match source.below(5) {
        0 => bytes.truncate(at),
        1 => bytes.splice(at..at, [0xff; 10]).for_each(drop),
        2 => {
            let count = source.below(20);
            bytes.splice(at..at, source.take(count)).for_each(drop);
        }
        3 => bytes.splice(at..at, [0x7a, 0xff, 0xff, 0xff, 0xff, 0x0f]).for_each(drop),
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= source.byte();
            }
        }
    }
}
