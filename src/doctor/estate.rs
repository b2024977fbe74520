//! What stands where: a bootstrap file, a file of resources and `/config_dump` hold the same things in different places.

use std::collections::BTreeMap;

use super::at::At;

/// Names that things are found by, and where they stand.
type Named<'d> = BTreeMap<String, At<'d>>;

/// The parts of a configuration.
#[derive(Debug, Default)]
pub(super) struct Estate<'d> {
    pub(super) listeners: Vec<At<'d>>,
    pub(super) clusters: Named<'d>,
    /// Route configurations that are discovered.
    pub(super) routes: Named<'d>,
    /// Filters that are discovered, as `Any`.
    pub(super) filters: Named<'d>,
    pub(super) admin: Option<At<'d>>,
    /// Whether there may be clusters that are not here.
    pub(super) clusters_may_be_elsewhere: bool,
    /// Where it says that listeners come from elsewhere.
    pub(super) listener_discovery: Option<At<'d>>,
    /// The switches of the runtime.
    pub(super) runtime: Vec<At<'d>>,
    /// Major and minor, of a running Envoy.
    pub(super) version: Option<(f64, f64, At<'d>)>,
}

const LISTENER: &str = "envoy.config.listener.v3.Listener";
const CLUSTER: &str = "envoy.config.cluster.v3.Cluster";
const ROUTES: &str = "envoy.config.route.v3.RouteConfiguration";
const FILTER: &str = "envoy.config.core.v3.TypedExtensionConfig";

impl<'d> Estate<'d> {
    /// Sorts a document; one that is none of Envoy's gives an empty estate.
    pub(super) fn read(root: &At<'d>) -> Self {
        let mut estate = Self {
            clusters_may_be_elsewhere: true,
            ..Self::default()
        };
        let dumps = root.list("configs");
        if dumps.is_empty() {
            estate.bootstrap(root, true);
        }
        for resource in root.list("resources") {
            estate.resource(&resource);
        }
        let kinds: Vec<(String, At<'d>)> = dumps.iter().filter_map(At::message).collect();
        let has = |end: &str| kinds.iter().any(|(of, _)| of.ends_with(end));
        // The bootstrap is in the dump too, with what runs repeated in the other sections.
        let alone = !has(".ListenersConfigDump");
        for (of, dump) in &kinds {
            match of.rsplit('.').next().unwrap_or_default() {
                "BootstrapConfigDump" => {
                    if let Some(bootstrap) = dump.get("bootstrap") {
                        estate.bootstrap(&bootstrap, alone);
                    }
                }
                "ListenersConfigDump" => estate.dumped_listeners(dump),
                "ClustersConfigDump" => estate.dumped_clusters(dump),
                "RoutesConfigDump" => estate.dumped_routes(dump),
                "EcdsConfigDump" => estate.dumped_filters(dump),
                _ => {}
            }
        }
        if has(".ListenersConfigDump") {
            estate.listener_discovery = None;
        }
        if has(".ClustersConfigDump") {
            estate.clusters_may_be_elsewhere = false;
        }
        estate
    }

    fn bootstrap(&mut self, bootstrap: &At<'d>, with_listeners: bool) {
        self.admin = self.admin.take().or_else(|| bootstrap.get("admin"));
        if let Some(resources) = bootstrap.get("static_resources") {
            if with_listeners {
                self.listeners.extend(resources.list("listeners"));
            }
            self.add_clusters(resources.list("clusters"));
            self.clusters_may_be_elsewhere = false;
        }
        let discovery = |kind| bootstrap.find(&["dynamic_resources", kind]);
        self.clusters_may_be_elsewhere |= discovery("cds_config").is_some();
        self.listener_discovery = discovery("lds_config");
        let layers = bootstrap.get("layered_runtime");
        let layers = layers.map(|runtime| runtime.list("layers"));
        let layers = layers.unwrap_or_default().into_iter();
        self.runtime = layers
            .filter_map(|layer| layer.get("static_layer"))
            .collect();
        self.version = bootstrap
            .find(&["node", "user_agent_build_version", "version"])
            .and_then(|at| {
                Some((
                    at.number("major_number")?,
                    at.number("minor_number").unwrap_or(0.0),
                    at,
                ))
            });
    }

    fn add_clusters(&mut self, clusters: impl IntoIterator<Item = At<'d>>) {
        self.clusters.extend(named(clusters));
    }

    /// One resource of a file that Envoy watches.
    fn resource(&mut self, resource: &At<'d>) {
        match resource.message() {
            Some((of, at)) if of == LISTENER => self.listeners.push(at),
            Some((of, at)) if of == CLUSTER => self.add_clusters([at]),
            Some((of, at)) if of == ROUTES => self.routes.extend(named([at])),
            Some((of, at)) if of == FILTER => self.add_filter(&at),
            _ => {}
        }
    }

    fn add_filter(&mut self, filter: &At<'d>) {
        if let (Some(name), Some(config)) = (filter.text_of("name"), filter.get("typed_config")) {
            self.filters.insert(name, config);
        }
    }

    fn dumped_listeners(&mut self, dump: &At<'d>) {
        let fixed = dump.list("static_listeners").into_iter();
        self.listeners
            .extend(fixed.filter_map(|listener| listener.get("listener")));
        // A listener that drains still serves those who are connected; one that warms is what comes next.
        for state in ["active_state", "warming_state", "draining_state"] {
            let dynamic = dump.list("dynamic_listeners").into_iter();
            self.listeners
                .extend(dynamic.filter_map(|listener| listener.find(&[state, "listener"])));
        }
    }

    fn dumped_clusters(&mut self, dump: &At<'d>) {
        for section in [
            "static_clusters",
            "dynamic_active_clusters",
            "dynamic_warming_clusters",
        ] {
            let clusters = dump.list(section).into_iter();
            self.add_clusters(clusters.filter_map(|cluster| cluster.get("cluster")));
        }
    }

    fn dumped_routes(&mut self, dump: &At<'d>) {
        let routes = dump.list("dynamic_route_configs").into_iter();
        let routes = routes.filter_map(|config| config.get("route_config"));
        self.routes.extend(named(routes));
    }

    fn dumped_filters(&mut self, dump: &At<'d>) {
        for filter in dump.list("ecds_filters") {
            if let Some(filter) = filter.get("ecds_filter") {
                self.add_filter(&filter);
            }
        }
    }
}

fn named<'d>(items: impl IntoIterator<Item = At<'d>>) -> Named<'d> {
    let items = items.into_iter();
    items
        .filter_map(|item| Some((item.text_of("name")?, item)))
        .collect()
}
