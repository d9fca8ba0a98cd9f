//! Very many rows into one table of a fresh file: a statement for some dozens of them. A statement finds
//! its place in the tree anew, so one for each row costs more than the row.

use rusqlite::Connection;
use rusqlite::types::ToSqlOutput;

use super::Result;

/// Rows in one statement.
const ROWS: usize = 64;

/// Inserts the rows in their order. `into` is the statement up to its `VALUES`, with `N` columns.
pub(super) fn insert_all<'a, const N: usize>(
    conn: &Connection,
    into: &str,
    mut rows: impl ExactSizeIterator<Item = [ToSqlOutput<'a>; N]>,
) -> Result<()> {
    let marks = format!("({})", ["?"; N].join(", "));
    let mut many = None;
    while rows.len() > 0 {
        let count = rows.len().min(ROWS);
        let mut statement = match many.take() {
            Some((fits, statement)) if fits == count => statement,
            _ => conn.prepare(&format!(
                "{into} VALUES {}",
                vec![marks.as_str(); count].join(", ")
            ))?,
        };
        for (at, value) in rows.by_ref().take(count).flatten().enumerate() {
            statement.raw_bind_parameter(at + 1, value)?;
        }
        statement.raw_execute()?;
        many = Some((count, statement));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_arrives_once_and_in_order() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE pair (number INTEGER, text TEXT)")
            .unwrap();
        for count in [0, 1, ROWS - 1, ROWS, ROWS + 1, 3 * ROWS + 5] {
            conn.execute_batch("DELETE FROM pair").unwrap();
            let wanted: Vec<(i64, String)> = (0..count).map(|n| (n as i64, format!("{n}"))).collect();
            let rows = wanted
                .iter()
                .map(|(number, text)| [ToSqlOutput::from(*number), ToSqlOutput::from(text.as_str())]);
            insert_all(&conn, "INSERT INTO pair (number, text)", rows).unwrap();
            let mut select = conn
                .prepare("SELECT number, text FROM pair ORDER BY rowid")
                .unwrap();
            let found: Vec<(i64, String)> = select
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
                .unwrap()
                .collect::<rusqlite::Result<_>>()
                .unwrap();
            assert_eq!(found, wanted);
        }
    }
}
