//! `countersign serve`.

use super::{Exit, ServeArgs};
use crate::app;
use crate::config::load;
use crate::telemetry::logging;

pub(super) fn run(args: ServeArgs) -> Exit {
    let overrides = args.overrides();
    let bundle = match load(&args.config.config, &overrides) {
        Ok(bundle) => bundle,
        Err(failure) => {
            eprint!(
                "{}",
                failure
                    .problems
                    .render(&failure.sources, super::output::colour())
            );
            eprintln!("{}", super::output::summary(&failure.problems));
            return Exit::Invalid;
        }
    };
    if let Err(error) = logging::init(&bundle.log) {
        eprintln!("error: {error}");
        return Exit::Failed;
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start the runtime: {error}");
            return Exit::Failed;
        }
    };
    let json = args.json;
    let announce = move |bound: &app::Bound| {
        if json {
            super::output::print(format_args!("{}\n", bound.to_json()));
        }
    };
    match runtime.block_on(app::run(args.config.config, overrides, bundle, announce)) {
        Ok(()) => Exit::Ok,
        Err(error) => {
            eprintln!("error: {error:#}");
            Exit::Failed
        }
    }
}
