//! What was played, for people and for programs.

use serde_json::{Value, json};

use super::Row;

/// The rows as one JSON document.
pub(super) fn document(rows: &[Row]) -> Value {
    let failed = rows.iter().filter(|row| !row.good).count();
    let rows: Vec<Value> = rows
        .iter()
        .map(|Row { scene, expected, got, good }| {
            json!({ "scene": scene.id, "who": scene.who, "what": scene.what, "request": scene.asks.words(), "expected": expected, "got": got, "ok": good })
        })
        .collect();
    json!({ "passed": rows.len() - failed, "failed": failed, "rows": rows })
}

/// Prints the rows for a person.
pub(super) fn print(rows: &[Row]) {
    let width = |text: fn(&Row) -> &str, title: &str| {
        rows.iter()
            .map(|row| text(row).chars().count())
            .chain([title.len()])
            .max()
            .unwrap_or(0)
    };
    let who = width(|row| row.scene.who, "who");
    let what = width(|row| row.scene.what, "what");
    let expected = width(|row| &row.expected, "expected");
    println!(
        "     {:<5} {:<who$}  {:<what$}  {:<expected$}  got",
        "scene", "who", "what", "expected"
    );
    for Row {
        scene,
        expected: wanted,
        got,
        good,
    } in rows
    {
        let mark = if *good { "ok  " } else { "FAIL" };
        println!(
            "{mark} {:<5} {:<who$}  {:<what$}  {wanted:<expected$}  {got}",
            scene.id, scene.who, scene.what
        );
    }
    let failed = rows.iter().filter(|row| !row.good).count();
    println!("{} of {} as expected", rows.len() - failed, rows.len());
}
