//! Runs of older versions, which wrote their search attributes but not what they are found by.

use crate::store::StoreError;
use crate::transaction::context::Context;
use crate::visibility::attributes;
use crate::visibility::filter::Filter;

/// So many are in memory at a time.
const BATCH: usize = 1000;

/// Before a filter that asks for search attributes is used: have old runs found by theirs, too. Only the
/// first time there is anything to do, and what it costs nobody pays who opens the database.
pub(crate) fn index(context: &mut Context, filter: &Filter) -> Result<(), StoreError> {
    if !filter.has_attributes() {
        return Ok(());
    }
    while let Some((rows, down_to)) = context.store.unindexed_runs(BATCH)? {
        context.begin()?;
        for row in rows {
            let Some(mut given) = row.record.search_attributes.clone() else { continue };
            let mut namespaces = context.env.namespaces.values();
            if let Some((_, namespace)) = namespaces.find(|(key, _)| *key == row.namespace) {
                attributes::tell_kinds(&namespace.search_attributes, &mut given);
            }
            context.store.put_search_attributes(&row, &attributes::rows(&given))?;
        }
        context.store.indexed_down_to(down_to)?;
    }
    Ok(())
}
