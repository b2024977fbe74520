//! `countersign check`: everything that is wrong, at once.

use serde_json::json;

use super::output::{colour, counted, load_whole_or_say, print, summary};
use super::{CheckArgs, Exit};
use crate::config::Overrides;

pub(super) fn run(args: &CheckArgs) -> Exit {
    let CheckArgs {
        config,
        deny_warnings,
        json,
    } = args;
    let bundle = match load_whole_or_say(&config.config, &Overrides::default(), *json) {
        Ok(bundle) => bundle,
        Err(exit) => return exit,
    };
    let warned = !bundle.warnings.is_empty();
    let failed = warned && *deny_warnings;
    if *json {
        let value = json!({
            "ok": !failed,
            "version": &*bundle.version,
            "routes": bundle.routes.iter().count(),
            "rules": bundle.policy.len(),
            "tests": bundle.cases.len(),
            "problems": bundle.warnings.to_json(),
        });
        print(format_args!("{value:#}\n"));
    } else {
        eprint!("{}", bundle.warnings.render(&bundle.sources, colour()));
        print(format_args!(
            "{}: {}, {}, {}, version {}: {}\n",
            config.config.display(),
            counted(bundle.routes.iter().count(), "route"),
            counted(bundle.policy.len(), "rule"),
            counted(bundle.cases.len(), "test"),
            bundle.version,
            summary(&bundle.warnings),
        ));
    }
    if failed { Exit::Invalid } else { Exit::Ok }
}
