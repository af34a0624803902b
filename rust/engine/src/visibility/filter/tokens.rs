//! The words and signs of a query.

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(String),
    /// A name in backticks: never a keyword.
    Name(String),
    Text(String),
    Symbol(&'static str),
}

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    const SYMBOLS: [&str; 10] = ["!=", "<>", "<=", ">=", "=", "<", ">", "(", ")", ","];
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            tokens.push(Token::Symbol(symbol));
            rest = &rest[symbol.len()..];
        } else if matches!(first, '\'' | '"' | '`') {
            let (quoted, tail) = quoted(rest, first)?;
            tokens.push(if first == '`' { Token::Name(quoted) } else { Token::Text(quoted) });
            rest = tail;
        } else {
            let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '+');
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            if end == 0 {
                return Err(format!("malformed SQL query: syntax error at {rest:?}"));
            }
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

/// A string in quotes and what follows it. A quote inside is doubled, or has a backslash before it.
fn quoted(text: &str, quote: char) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            c if c == quote => match chars.peek() {
                Some((_, next)) if *next == quote => {
                    value.push(quote);
                    chars.next();
                }
                _ => return Ok((value, &text[at + c.len_utf8()..])),
            },
            c => value.push(c),
        }
    }
    Err("malformed SQL query: a string has no end".into())
}
