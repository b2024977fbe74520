use std::collections::BTreeMap;

use super::{at, memory};
use crate::store::SeenRecord;

fn seen(id: &str, moment: i64, warned: &[&str]) -> SeenRecord {
    SeenRecord {
        issuer: "corp".to_owned(),
        id: id.to_owned(),
        kind: "agent".to_owned(),
        owner: None,
        first_seen: at(moment),
        last_seen: at(moment),
        warned: warned
            .iter()
            .map(|what| ((*what).to_owned(), at(moment)))
            .collect(),
    }
}

#[tokio::test]
async fn sightings_are_merged_in_whatever_order_they_come() {
    let owned = SeenRecord {
        owner: Some("team@example.com".to_owned()),
        ..seen("bot", 9, &["expired"])
    };
    let sightings = [
        seen("bot", 5, &["expired", "unregistered"]),
        owned,
        seen("bot", 7, &[]),
    ];
    let expected = SeenRecord {
        first_seen: at(5),
        last_seen: at(9),
        warned: BTreeMap::from([
            ("expired".to_owned(), at(9)),
            ("unregistered".to_owned(), at(5)),
        ]),
        ..sightings[1].clone()
    };
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let store = memory();
        for index in order {
            store
                .note_seen(vec![sightings[index].clone()])
                .await
                .unwrap();
        }
        store
            .note_seen(vec![seen("another", 1, &[])])
            .await
            .unwrap();
        assert_eq!(
            store.seen().await.unwrap(),
            [seen("another", 1, &[]), expected.clone()]
        );
    }
}
