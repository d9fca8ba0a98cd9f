//! The way between phone and hub: what the network does to requests and replies.

use yaoban_clerk_core::sync::event::{Answer, Call, CallFailure, FailureKind, What};
use yaoban_clerk_core::sync::transport::Response;
use yaoban_clerk_core::sync::wire;
use yaoban_protocol::message::{PullReply, PushReply};
use yaoban_protocol::op::OpStatus;

use super::{HOUR_MS, Happening, Kind, Letter, MINUTE_MS, World};
use crate::fault::Fault;
use crate::network;
use crate::trace::short;

impl World {
    pub(super) fn send(&mut self, mut letter: Letter) {
        let (index, _) = letter.from;
        let shown = format!(
            "phone {index} call {} {}",
            letter.call.name(),
            short(letter.request.body.as_deref().unwrap_or_default())
        );
        let now_ms = self.now_ms;
        if self.phones[index].offline_until_ms > now_ms {
            self.tell(&format!("{shown} offline"));
            return self.fail(letter, FailureKind::Unreachable, 200);
        }
        if self.phones[index].old_schema {
            network::as_older_schema(&mut letter.request);
        }
        if self.faults.fires(Fault::DropRequest) {
            self.tell(&format!("{shown} dropped"));
            let wait = letter.until_ms - now_ms;
            return self.fail(letter, FailureKind::TimedOut, wait);
        }
        let harm = network::harm_request(&mut letter.request, &mut self.faults);
        self.tell(&format!("{shown}{harm}"));
        let latency = self.chance.between(20, 300);
        if self.faults.fires(Fault::Duplicate) {
            let twin = Letter {
                id: None,
                ..letter.clone()
            };
            self.at(latency + 5, Happening::Arrive(Box::new(twin)));
        }
        if self.faults.fires(Fault::Reorder) {
            let twin = Letter {
                id: None,
                ..letter.clone()
            };
            let late = self.faults.stream(Fault::Reorder).between(MINUTE_MS, 3 * HOUR_MS);
            self.at(late, Happening::Arrive(Box::new(twin)));
        }
        if matches!(letter.call, Call::Pull(_)) && self.faults.fires(Fault::ForeignScope) {
            let mut curious = Letter {
                id: None,
                ..letter.clone()
            };
            let other = Self::other_store(&self.phones[index].store_id);
            network::ask_for(&mut curious.request, &format!("store:{other}"));
            self.at(latency + 7, Happening::Arrive(Box::new(curious)));
        }
        self.at(latency, Happening::Arrive(Box::new(letter)));
    }

    fn fail(&mut self, letter: Letter, kind: FailureKind, in_ms: i64) {
        let failure = CallFailure {
            kind,
            code: kind.code().to_owned(),
            message: "simulated".into(),
            retry_after_ms: None,
        };
        self.at(in_ms, Happening::Heard(Box::new(letter), Err(failure), 0));
    }

    pub(super) fn arrive(&mut self, letter: Letter) {
        let (index, _) = letter.from;
        self.befall_hub_at_call(index);
        if self.faults.fires(Fault::HubKilled) {
            let before = self.faults.stream(Fault::HubKilled).once_in(2);
            if !before {
                self.exchange(&letter);
            }
            self.chain.restart();
            self.tell(&format!(
                "hub killed, call {} done={}",
                letter.call.name(),
                !before
            ));
            return self.fail(letter, FailureKind::Broken, 100);
        }
        let response = self.exchange(&letter);
        let happened = self.ledger.happened;
        if self.faults.fires(Fault::DropReply) {
            self.tell(&format!("phone {index} reply to {} lost", letter.call.name()));
            let wait = (letter.until_ms - self.now_ms).max(0);
            return self.fail(letter, FailureKind::TimedOut, wait);
        }
        let max = letter.request.response_bytes_max;
        let mut response = response;
        let harm = network::harm_response(&mut response, &mut self.faults);
        if !harm.is_empty() {
            self.tell(&format!("phone {index} reply to {}{harm}", letter.call.name()));
        }
        if response.body.len() as u64 > max {
            // The transport finds this while it reads.
            return self.fail(letter, FailureKind::Garbled, 300);
        }
        let mut latency = self.chance.between(20, 300);
        if self.faults.fires(Fault::Delay) {
            latency = self.faults.stream(Fault::Delay).between(10_000, 3 * MINUTE_MS);
        }
        if self.now_ms + latency > letter.until_ms {
            let wait = (letter.until_ms - self.now_ms).max(0);
            return self.fail(letter, FailureKind::TimedOut, wait);
        }
        self.at(
            latency,
            Happening::Heard(Box::new(letter), Ok(response), happened),
        );
    }

    /// The hub answers, and the ledger looks on.
    fn exchange(&mut self, letter: &Letter) -> Response {
        let (index, _) = letter.from;
        let response = self
            .stumble(letter)
            .unwrap_or_else(|| self.chain.exchange(letter.request.clone()));
        self.ledger.happened += 1;
        self.tell(&format!(
            "hub {} {} of phone {index}: {} {}",
            self.ledger.happened,
            letter.call.name(),
            response.status,
            short(&response.body)
        ));
        if response.status == 200 {
            match &letter.call {
                Call::Push(_) => {
                    if let Some(reply) = network::read::<PushReply>(&response) {
                        for result in &reply.results {
                            let (n, op_id, status) = (result.n, &result.op_id, result.status);
                            self.tell(&format!("    op {n} {op_id} {status:?} {:?}", result.reason));
                            if matches!(status, OpStatus::Applied | OpStatus::Merged | OpStatus::Duplicate) {
                                self.ledger.taken(op_id);
                            }
                        }
                    }
                }
                Call::Pull(_) => {
                    if let Some(reply) = network::read::<PullReply>(&response) {
                        self.look_at_pages(index, &reply);
                    }
                }
                _ => {}
            }
        }
        response
    }

    /// The answer to a push that holds an operation to be read over which somebody stumbles.
    fn stumble(&self, letter: &Letter) -> Option<Response> {
        let Call::Push(push) = &letter.call else {
            return None;
        };
        let mut read = push.ops.iter().filter(|op| !op.parked);
        let status = read.find_map(|op| self.ledger.stumbles.get(&op.op_id))?;
        Some(Response {
            status: *status,
            retry_after_ms: None,
            body: b"<html>something went wrong</html>".to_vec(),
        })
    }

    fn look_at_pages(&mut self, index: usize, reply: &PullReply) {
        let own = format!("store:{}", self.phones[index].store_id);
        for page in &reply.pages {
            let rows: Vec<String> = page
                .changes
                .iter()
                .map(|row| format!("{} {} {:?} {}", row.seq, row.entity, row.kind, row.id))
                .collect();
            self.tell(&format!(
                "    {} to {} of {} ack {}: {}",
                page.scope,
                page.next,
                page.head,
                reply.ack_n,
                rows.join(", ")
            ));
            if page.scope != own && page.scope != "catalogue" {
                self.break_(
                    Kind::Violation,
                    format!("phone {index} of {own} was sent rows of {}", page.scope),
                );
            }
            if page.gone {
                self.faults.count(Fault::CursorTooOld);
            }
        }
    }

    pub(super) fn heard(&mut self, letter: &Letter, response: Result<Response, CallFailure>, happened: u64) {
        let (index, life) = letter.from;
        let Some(id) = letter.id.filter(|_| self.phones[index].life == life) else {
            return;
        };
        let answer = response.and_then(|r| wire::answer(&letter.call, &r, letter.inflated_bytes_max));
        let shown = match &answer {
            Ok(_) => "ok".to_owned(),
            Err(failure) => format!("{:?} {}", failure.kind, failure.code),
        };
        self.tell(&format!("phone {index} heard {}: {shown}", letter.call.name()));
        if matches!(answer, Ok(Answer::Hello(_))) {
            self.phones[index].round.hello_at = happened;
        }
        self.step(index, What::Answered { id, answer });
    }
}
