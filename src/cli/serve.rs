//! `countersign serve`.

use super::output::{load_whole_or_say, say_error};
use super::{Exit, ServeArgs};
use crate::app;
use crate::telemetry::logging;

pub(super) fn run(args: ServeArgs) -> Exit {
    let overrides = args.overrides();
    let json = args.json;
    let failed = |message: String| {
        say_error(&message, json);
        Exit::Failed
    };
    let bundle = match load_whole_or_say(&args.config.config, &overrides, json) {
        Ok(bundle) => bundle,
        Err(exit) => return exit,
    };
    if let Err(error) = logging::init(&bundle.log) {
        return failed(error.to_string());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return failed(format!("cannot start the runtime: {error}")),
    };
    let announce = move |bound: &app::Bound| {
        if json {
            super::output::print(format_args!("{}\n", bound.to_json()));
        }
    };
    match runtime.block_on(app::run(args.config.config, overrides, bundle, announce)) {
        Ok(()) => Exit::Ok,
        Err(error) => failed(format!("{error:#}")),
    }
}
