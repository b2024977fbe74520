//! A file of `fixtures/`: steps in the words of a reader, and what has to come of each.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use countersign::config::yaml::{Document, KeyPath};
use countersign::model::duration::HumanDuration;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::crowd::AS_IT_MAY;
use super::verb::Verb;
use super::world::WorldSpec;

/// The two ways in which each is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Play {
    /// Somebody tries to pass who may not.
    Attack,
    /// The same without that: it passes, so that the refusal is about the attack.
    Good,
}

impl Play {
    pub(super) const BOTH: [Self; 2] = [Self::Attack, Self::Good];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Attack => "attack",
            Self::Good => "good",
        }
    }
}

/// One file.
#[derive(Debug)]
pub(super) struct Fixture {
    pub(super) name: String,
    pub(super) world: WorldSpec,
    steps: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    world: WorldSpec,
    steps: Vec<Value>,
}

/// One step of a play.
#[derive(Debug, PartialEq)]
pub(super) struct Step {
    pub(super) verb: Verb,
    /// The replica that it is about, from 1.
    pub(super) on: usize,
    /// How it has to end; one of them.
    pub(super) expect: Vec<String>,
    /// It is tried again until it does, for so long; otherwise it is tried once.
    pub(super) within: Option<Duration>,
    /// How it may end until then, beside refusals: nobody passes in between who is not allowed to.
    pub(super) meanwhile: Vec<String>,
}

/// All whose name begins so, or the one that is asked for.
pub(super) fn fixtures(group: &str) -> Vec<Fixture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/bypass/fixtures");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    let wanted = paths.iter().filter(|path| name(path).starts_with(group));
    wanted.map(|path| read(path)).collect()
}

fn read(path: &Path) -> Fixture {
    let document = Document::read(path, &fs::read_to_string(path).unwrap());
    let written: Written = document
        .and_then(|document| document.decode(&KeyPath::root()))
        .unwrap_or_else(|problem| panic!("{}: {problem:?}", path.display()));
    let Written { world, steps } = written;
    Fixture {
        name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
        world,
        steps,
    }
}

impl Fixture {
    /// What happens in a play.
    pub(super) fn steps(&self, play: Play) -> Vec<Step> {
        let steps = self.steps.iter().enumerate();
        steps
            .filter_map(|(number, written)| {
                step(written, play)
                    .unwrap_or_else(|error| panic!("{} {}: {error}", self.name, number + 1))
            })
            .collect()
    }
}

/// None if it is of the other play only.
fn step(written: &Value, play: Play) -> Result<Option<Step>, String> {
    let mut members = written.as_object().ok_or("a step is an object")?.clone();
    let mut take = |name: &str| members.remove(name);
    let (only, over, expect) = (take("only"), take("attack"), take("expect"));
    let (on, within, meanwhile) = (take("on"), take("within"), take("meanwhile"));
    if only.is_some_and(|only| only != play.name()) {
        return Ok(None);
    }
    if let (Some(over), Play::Attack) = (over, play) {
        let [verb] = &mut members.values_mut().collect::<Vec<_>>()[..] else {
            return Err("a step does one thing".to_owned());
        };
        lay_over(verb, over);
    }
    let verb = serde_json::from_value(Value::Object(members)).map_err(|error| error.to_string())?;
    let expect = match expect {
        Some(Value::Object(each)) => each.get(play.name()).cloned(),
        other => other,
    };
    let mut expect = texts(expect);
    if expect.is_empty() && matches!(verb, Verb::Crowd(_)) {
        expect.push(AS_IT_MAY.to_owned());
    }
    Ok(Some(Step {
        verb,
        on: on
            .and_then(|it| usize::try_from(it.as_u64()?).ok())
            .unwrap_or(1),
        expect,
        within: within.map(|it| span(&it)).transpose()?,
        meanwhile: texts(meanwhile),
    }))
}

/// Puts the members of one over those of the other; null takes one away.
pub(super) fn lay_over(value: &mut Value, over: Value) {
    match (value, over) {
        (Value::Object(members), Value::Object(over)) => {
            for (name, over) in over {
                match over {
                    Value::Null => drop(members.shift_remove(&name)),
                    over => lay_over(members.entry(name).or_insert(Value::Null), over),
                }
            }
        }
        (value @ Value::Null, Value::Object(over)) => {
            *value = Value::Object(Map::new());
            lay_over(value, Value::Object(over));
        }
        (value, over) => *value = over,
    }
}

fn texts(value: Option<Value>) -> Vec<String> {
    let items = match value {
        None => Vec::new(),
        Some(Value::Array(items)) => items,
        Some(one) => vec![one],
    };
    let text = |item: Value| match item {
        Value::String(text) => text,
        other => other.to_string(),
    };
    items.into_iter().map(text).collect()
}

pub(super) fn span(value: &Value) -> Result<Duration, String> {
    let span: HumanDuration =
        serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
    Ok(span.get())
}
