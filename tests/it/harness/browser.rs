//! A browser that does what a person does: Chromium without a window, told what to do over a pipe (the Chrome `DevTools`
//! Protocol). A page is looked at, typed into and clicked on with the mouse; nothing reaches around it.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::chromium::Chromium;
use super::{SOON, eventually};

/// How long the browser may take for one command; starting it on two busy cores is the slowest.
const PATIENCE: Duration = Duration::from_mins(1);

/// Moves the pipe from standard input and output to the descriptors that the browser reads and writes.
const PIPE: &str = r#"exec "$@" 3<&0 4>&1 0</dev/null 1>&2"#;

/// A screen of 390 by 844 points, as phones have.
pub(crate) const PHONE: (u32, u32) = (390, 844);

/// A running browser with a profile of its own.
pub(crate) struct Browser {
    child: Child,
    wire: Mutex<Wire>,
    _profile: TempDir,
}

/// Both ends of the pipe.
struct Wire {
    commands: Option<ChildStdin>,
    replies: Receiver<Value>,
    next: u64,
    /// What was told without having been asked for, the newest last.
    events: VecDeque<Value>,
}

/// How much of what nobody asked for is kept.
const MOST_EVENTS: usize = 1000;

/// One page in a window of its own: no other page's cookies.
pub(crate) struct Page<'a> {
    browser: &'a Browser,
    session: String,
}

impl Browser {
    /// Starts one; `hosts` are rules such as `MAP name address`, and nothing else than this machine can be reached.
    pub(crate) fn start(hosts: &[String]) -> Self {
        let chromium = Chromium::find().unwrap_or_else(|cause| panic!("{cause}"));
        let profile = tempfile::tempdir().unwrap();
        let rules =
            ["EXCLUDE 127.0.0.1", "EXCLUDE localhost", "MAP * ~NOTFOUND"].map(str::to_owned);
        let rules = [hosts, &rules].concat().join(", ");
        let mut child = Command::new("sh")
            .args(["-c", PIPE, "sh"])
            .arg(&chromium.program)
            .envs(chromium.environment)
            .args(["--headless", "--remote-debugging-pipe", "--no-first-run"])
            // It sees nothing but pages of these tests, and runs where no sandbox can be made.
            .args(["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            .args(["--disable-background-networking", "--no-proxy-server"])
            .arg(format!("--host-resolver-rules={rules}"))
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (commands, stdout) = (child.stdin.take(), child.stdout.take().unwrap());
        let (told, replies) = channel();
        thread::spawn(move || {
            let messages = BufReader::new(stdout).split(0).map_while(Result::ok);
            for message in messages {
                let Ok(message) = serde_json::from_slice(&message) else {
                    return;
                };
                if told.send(message).is_err() {
                    return;
                }
            }
        });
        let wire = Mutex::new(Wire {
            commands,
            replies,
            next: 0,
            events: VecDeque::new(),
        });
        let browser = Self {
            child,
            wire,
            _profile: profile,
        };
        browser.ask(None, "Browser.getVersion", &json!({}));
        browser
    }

    /// A page on a phone, in a window of its own.
    pub(crate) fn page(&self) -> Page<'_> {
        let context = self.ask(None, "Target.createBrowserContext", &json!({}));
        let target =
            json!({ "url": "about:blank", "browserContextId": context["browserContextId"] });
        let target = self.ask(None, "Target.createTarget", &target);
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = self.ask(None, "Target.attachToTarget", &attach);
        let page = Page {
            browser: self,
            session: attached["sessionId"].as_str().unwrap().to_owned(),
        };
        for domain in ["Page", "Runtime", "Network", "Log", "Audits"] {
            page.ask(&format!("{domain}.enable"), &json!({}));
        }
        page.screen(PHONE);
        page
    }

    fn ask(&self, session: Option<&str>, method: &str, parameters: &Value) -> Value {
        let reply = self.wire().ask(session, method, parameters);
        reply.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    fn wire(&self) -> MutexGuard<'_, Wire> {
        self.wire.lock().unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends with its helpers when nobody is left to tell it what to do.
        if let Ok(wire) = self.wire.get_mut() {
            drop(wire.commands.take());
        }
        let started = Instant::now();
        while started.elapsed() < SOON && matches!(self.child.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(20));
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Wire {
    /// Sends a command and waits for its result.
    fn ask(
        &mut self,
        session: Option<&str>,
        method: &str,
        parameters: &Value,
    ) -> Result<Value, String> {
        self.next += 1;
        let mut command = json!({ "id": self.next, "method": method, "params": parameters });
        if let Some(session) = session {
            command["sessionId"] = json!(session);
        }
        let commands = self.commands.as_mut().unwrap();
        let sent = commands.write_all(format!("{command}\0").as_bytes());
        sent.map_err(|error| error.to_string())?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let message = self.replies.recv_timeout(left);
            let mut message = message.map_err(|error| error.to_string())?;
            if message["id"] == self.next {
                let result = message["result"].take();
                let failed = !message["error"].is_null();
                return if failed {
                    Err(message["error"].to_string())
                } else {
                    Ok(result)
                };
            }
            if self.events.len() == MOST_EVENTS {
                self.events.pop_front();
            }
            self.events.push_back(message);
        }
    }
}

impl Page<'_> {
    /// Types an address and waits until the page is there; the address that it ended at.
    pub(crate) fn open(&self, url: &str) -> String {
        self.leave(|| drop(self.ask("Page.navigate", &json!({ "url": url }))));
        self.url()
    }

    /// Does something after which another page is there, and waits for that.
    pub(crate) fn leave(&self, act: impl FnOnce()) {
        self.run("window.stillHere = true");
        act();
        eventually(PATIENCE, "another page", || {
            let there = self.try_run("!window.stillHere && document.readyState === 'complete'");
            (there == Some(json!(true))).then_some(())
        });
    }

    /// Clicks on what `selector` finds, in its middle, where nothing may cover it.
    pub(crate) fn click(&self, selector: &str) {
        let find = format!("document.querySelector({})", json!(selector));
        let spot = self.run(&format!(
            "(() => {{ const it = {find}; it.scrollIntoView({{ block: 'center', behavior: 'instant' }}); \
             const box = it.getBoundingClientRect(); const x = box.x + box.width / 2, y = box.y + box.height / 2; \
             return {{ x, y, seen: it.contains(document.elementFromPoint(x, y)) }} }})()"
        ));
        assert_eq!(spot["seen"], true, "something covers `{selector}`");
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": spot["x"], "y": spot["y"], "button": "left", "clickCount": 1 });
            self.ask("Input.dispatchMouseEvent", &event);
        }
    }

    /// Clicks on something that leads to another page.
    pub(crate) fn follow(&self, selector: &str) {
        self.leave(|| self.click(selector));
    }

    /// Types a text into a field.
    pub(crate) fn fill(&self, selector: &str, text: &str) {
        self.click(selector);
        self.ask("Input.insertText", &json!({ "text": text }));
    }

    /// What a person reads.
    pub(crate) fn text(&self) -> String {
        let text = self.run("document.body.innerText");
        text.as_str().unwrap().to_owned()
    }

    /// The address in the bar.
    pub(crate) fn url(&self) -> String {
        self.run("location.href").as_str().unwrap().to_owned()
    }

    /// The value of an expression in the page.
    pub(crate) fn run(&self, expression: &str) -> Value {
        self.try_run(expression)
            .unwrap_or_else(|| panic!("`{expression}` cannot be evaluated at {}", self.url()))
    }

    /// Looks like this screen, in points; pictures are twice as fine.
    pub(crate) fn screen(&self, (width, height): (u32, u32)) {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 2, "mobile": true });
        self.ask("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// Prefers `light` or `dark`.
    pub(crate) fn prefer(&self, scheme: &str) {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.ask(
            "Emulation.setEmulatedMedia",
            &json!({ "features": [feature] }),
        );
    }

    /// Saves a picture of the screen, or of the `whole` page.
    pub(crate) fn picture(&self, file: &Path, whole: bool) {
        let wanted = json!({ "format": "png", "captureBeyondViewport": whole });
        let picture = self.ask("Page.captureScreenshot", &wanted);
        let bytes = STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }

    /// What the browser has complained about so far: refused styles, scripts and forms. That a page came with an error is none of it.
    pub(crate) fn complaints(&self) -> Vec<String> {
        // An answer comes after what was told before it.
        self.run("0");
        let wire = self.browser.wire();
        let own = wire
            .events
            .iter()
            .filter(|it| it["sessionId"] == *self.session);
        let complaints = own.filter(|it| {
            let method = it["method"].as_str().unwrap_or_default();
            [
                "Log.entryAdded",
                "Audits.issueAdded",
                "Runtime.exceptionThrown",
            ]
            .contains(&method)
        });
        let of_pages = complaints.filter(|it| it["params"]["entry"]["source"] != "network");
        of_pages.map(|it| it["params"].to_string()).collect()
    }

    fn try_run(&self, expression: &str) -> Option<Value> {
        let wanted = json!({ "expression": expression, "returnByValue": true });
        // A page that is being left evaluates nothing.
        let mut result = self
            .browser
            .wire()
            .ask(Some(&self.session), "Runtime.evaluate", &wanted)
            .ok()?;
        result["exceptionDetails"]
            .is_null()
            .then(|| result["result"]["value"].take())
    }

    fn ask(&self, method: &str, parameters: &Value) -> Value {
        self.browser.ask(Some(&self.session), method, parameters)
    }
}
