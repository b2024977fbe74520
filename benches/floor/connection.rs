//! One connection of HTTP/2, as a worker of Envoy has it: many calls in flight, and one thread that writes and reads.

use std::mem;
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};

use super::calls::{Calls, Ended};
use super::frames::{self, Frame, Heads};
use super::socket::{Address, Socket};
use super::speech::Speech;

/// How much of what the peer sends may be on its way, beyond what is allowed from the start.
const RECEIVE: u32 = (1 << 31) - 1 - 65_535;
/// After how many bytes the peer is allowed as many again.
const RENEW: u32 = 1 << 28;

/// A connection.
pub(crate) struct Connection {
    socket: Socket,
    speech: Speech,
    heads: Heads,
    /// What is to be written.
    out: Vec<u8>,
    buffer: Vec<u8>,
    /// What has come of a frame that is not whole.
    torn: Vec<u8>,
    /// How many bytes of bodies the peer still takes.
    window: i64,
    /// How many bytes of bodies have come since the peer was allowed more.
    taken: u32,
    /// How many calls the peer takes at once.
    most: usize,
    calls: Calls,
}

impl Connection {
    /// Connects; settings go with the first call.
    pub(crate) fn open(address: &Address, speech: Speech, heads: Heads) -> Result<Self> {
        let socket = Socket::open(address);
        let mut out = frames::PREFACE.to_vec();
        let push = [frames::ENABLE_PUSH.to_be_bytes().as_slice(), &[0; 4]].concat();
        frames::write(&mut out, frames::SETTINGS, 0, 0, &push);
        frames::write(
            &mut out,
            frames::WINDOW_UPDATE,
            0,
            0,
            &RECEIVE.to_be_bytes(),
        );
        Ok(Self {
            socket: socket.with_context(|| format!("cannot connect to {address:?}"))?,
            speech,
            heads,
            out,
            buffer: vec![0; 256 << 10],
            torn: Vec::new(),
            window: 65_535,
            taken: 0,
            most: 64,
            calls: Calls::default(),
        })
    }

    pub(crate) const fn in_flight(&self) -> usize {
        self.calls.in_flight()
    }

    /// Whether the peer takes a call with this body now.
    pub(crate) fn takes(&self, body: &[u8]) -> bool {
        let size = i64::try_from(body.len()).unwrap_or(i64::MAX);
        self.in_flight() < self.most && self.window >= size
    }

    /// Makes a call that was meant to be made at `since`. Nothing is sent before the next [`Connection::turn`].
    pub(crate) fn call(&mut self, body: &[u8], since: Instant) -> Result<()> {
        ensure!(
            body.len() <= frames::LARGEST,
            "a body of more than one frame"
        );
        let stream = self.calls.add(since);
        let is_last = u8::from(body.is_empty()) * frames::END_STREAM;
        let flags = frames::END_HEADERS | is_last;
        let head = self.heads.next();
        frames::write(&mut self.out, frames::HEADERS, flags, stream, head);
        if !body.is_empty() {
            frames::write(
                &mut self.out,
                frames::DATA,
                frames::END_STREAM,
                stream,
                body,
            );
            self.window -= i64::try_from(body.len())?;
        }
        Ok(())
    }

    /// Writes what is to be written and reads what is there, without waiting. Every call that is over is told.
    pub(crate) fn turn(&mut self, told: &mut impl FnMut(Ended)) -> Result<()> {
        if !self.out.is_empty() {
            let written = self
                .socket
                .write(&self.out)
                .context("writing to the server")?;
            self.out.drain(..written);
        }
        let mut buffer = mem::take(&mut self.buffer);
        let read = self
            .socket
            .read(&mut buffer)
            .context("reading from the server");
        let count = read?;
        let news = buffer.get(..count).unwrap_or_default();
        if news.is_empty() {
            // Where there is one core for all, the server needs it now.
            thread::yield_now();
        } else {
            let mut torn = mem::take(&mut self.torn);
            let whole = if torn.is_empty() {
                news
            } else {
                torn.extend_from_slice(news);
                &torn
            };
            let rest = self.hear_all(whole, told)?;
            self.torn = rest.to_vec();
        }
        self.buffer = buffer;
        Ok(())
    }

    /// Hears every whole frame, and returns what is left.
    fn hear_all<'a>(
        &mut self,
        mut bytes: &'a [u8],
        told: &mut impl FnMut(Ended),
    ) -> Result<&'a [u8]> {
        while let Some((frame, rest)) = Frame::split(bytes) {
            self.hear(&frame)?;
            let is_end = matches!(frame.kind, frames::DATA | frames::HEADERS)
                && frame.has(frames::END_STREAM);
            if (is_end || frame.kind == frames::RST_STREAM)
                && let Some(ended) = self.calls.end(frame.stream)
            {
                told(ended);
            }
            bytes = rest;
        }
        Ok(bytes)
    }

    fn hear(&mut self, frame: &Frame<'_>) -> Result<()> {
        match frame.kind {
            frames::DATA => self.hear_body(frame),
            frames::HEADERS if self.speech.is_yes_in_head(frame.payload) => {
                self.calls.approve(frame.stream);
            }
            frames::SETTINGS if !frame.has(frames::ACK) => self.agree(frame)?,
            frames::PING if !frame.has(frames::ACK) => {
                frames::write(&mut self.out, frames::PING, frames::ACK, 0, frame.payload);
            }
            frames::GOAWAY => bail!("the server goes away: {:?}", frame.payload),
            frames::WINDOW_UPDATE if frame.stream == 0 => self.window += i64::from(frame.number()),
            _ => {}
        }
        Ok(())
    }

    fn hear_body(&mut self, frame: &Frame<'_>) {
        self.taken += u32::try_from(frame.payload.len()).unwrap_or_default();
        if self.taken > RENEW {
            let more = mem::take(&mut self.taken).to_be_bytes();
            frames::write(&mut self.out, frames::WINDOW_UPDATE, 0, 0, &more);
        }
        if self.speech.is_yes_in_body(frame.payload) {
            self.calls.approve(frame.stream);
        }
    }

    fn agree(&mut self, frame: &Frame<'_>) -> Result<()> {
        for (setting, value) in frame.settings() {
            match setting {
                frames::MAX_STREAMS => self.most = usize::try_from(value)?,
                frames::TABLE_SIZE => ensure!(value >= 4096, "the server's header table is small"),
                _ => {}
            }
        }
        frames::write(&mut self.out, frames::SETTINGS, frames::ACK, 0, &[]);
        Ok(())
    }
}
