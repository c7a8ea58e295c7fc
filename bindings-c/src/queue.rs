//! A completion queue with a descriptor: calls for event loops, which must not block.
//!
//! A begun call runs on the library's own thread, which only puts what the call reports into the queue. It is taken out, and `on_log`
//! is called, by whoever asks the queue for it: nothing of the program's is ever called from a foreign thread.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    ffi::{c_int, c_void},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;
use xiezhen_core::{Client, Error, ErrorKind, Result, process};

use crate::{
    call::{Call, Emit, Message},
    completion::{Outcome, xiezhen_completion},
    error::{boundary, xiezhen_error, xiezhen_status},
    exit::wait_for_creates,
    ffi::{free, handle, out, read_or},
    log::{Line, LogCallback},
    signal::Signal,
    version::maybe_ms,
};

/// A queue that is freed with calls in flight waits so long until they have let go of what they held.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where begun calls report.
pub struct xiezhen_queue {
    inbox: Arc<Inbox>,
    stop: CancellationToken,
    /// The log callbacks of the clients whose calls were begun, by the clients' numbers.
    logs: Mutex<HashMap<u64, LogCallback>>,
    generation: u32,
}

/// What a call leaves in the queue.
enum Item {
    Log(u64, Line),
    Said(usize, Message),
    Last(usize, Result<Outcome>),
}

struct Inbox {
    state: Mutex<State>,
    /// What was taken out of the state all at once, and is handed out one by one: who takes seldom meets who puts, and an event
    /// loop does not wait for a thread that the system has stopped in the middle of it.
    batch: Mutex<Items>,
    /// Calls whose end nobody has taken out yet.
    pending: AtomicUsize,
    arrived: Condvar,
    ended: Condvar,
    signal: Signal,
}

/// Boxed: thousands of them are moved when the list grows.
type Items = VecDeque<Box<Item>>;

/// The calls of one client in flight.
struct Calls {
    client: Client,
    count: usize,
}

#[derive(Default)]
struct State {
    items: Items,
    /// Whether there is something to take, here or in the batch: so says the descriptor.
    readable: bool,
    /// How often what was put had been taken before the descriptor said so: whoever says it, takes it back.
    taken_early: usize,
    /// Calls in flight: how many of each client, by its number.
    running: HashMap<u64, Calls>,
    /// Freed: what comes now is for nobody.
    closed: bool,
}

impl Inbox {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn batch(&self) -> MutexGuard<'_, Items> {
        self.batch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pending(&self) -> usize {
        self.pending.load(Ordering::SeqCst)
    }

    /// The descriptor is raised without the lock: whoever waits for it runs at once, perhaps in the place of this thread.
    fn put(&self, item: Item) {
        let item = Box::new(item);
        let mut state = self.state();
        if state.closed {
            return;
        }
        state.items.push_back(item);
        let was_readable = std::mem::replace(&mut state.readable, true);
        // Another thread is about to say it.
        let is_said = was_readable || state.taken_early > 0;
        if !was_readable && is_said {
            state.taken_early -= 1;
        }
        drop(state);
        if !is_said {
            self.signal.raise();
            let mut state = self.state();
            if state.taken_early > 0 {
                state.taken_early -= 1;
                self.signal.clear();
            }
        }
        self.arrived.notify_one();
    }

    fn take(&self) -> Option<Item> {
        let mut batch = self.batch();
        if batch.is_empty() {
            std::mem::swap(&mut *batch, &mut self.state().items);
        }
        let item = batch.pop_front()?;
        if batch.is_empty() {
            let mut state = self.state();
            std::mem::swap(&mut *batch, &mut state.items);
            if batch.is_empty() {
                state.readable = false;
                if !self.signal.clear() {
                    state.taken_early += 1;
                }
            }
        }
        drop(batch);
        if matches!(*item, Item::Last(..)) && self.pending.fetch_sub(1, Ordering::SeqCst) == 1 {
            // Others wait for what can't come any more; the lock, so that none of them is about to.
            drop(self.state());
            self.arrived.notify_all();
        }
        Some(*item)
    }

    /// Whether there is something to take within `patience`; not if nothing can come any more.
    fn wait(&self, patience: Option<Duration>) -> bool {
        let until = patience.and_then(|patience| Instant::now().checked_add(patience));
        let mut state = self.state();
        while !state.readable && self.pending() > 0 {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            state = match left {
                None => self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => break,
                Some(left) => self.arrived.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
        state.readable
    }
}

/// A call in flight: it ends with one last item, whatever happens to it.
struct Running {
    inbox: Arc<Inbox>,
    client: u64,
    tag: usize,
    outcome: Option<Result<Outcome>>,
}

impl Running {
    fn begin(inbox: &Arc<Inbox>, (number, client): (u64, Client), tag: usize) -> Self {
        inbox.pending.fetch_add(1, Ordering::SeqCst);
        let mut state = inbox.state();
        state.running.entry(number).or_insert(Calls { client, count: 0 }).count += 1;
        drop(state);
        Self { inbox: inbox.clone(), client: number, tag, outcome: None }
    }

    fn end(&mut self, outcome: Result<Outcome>) {
        self.outcome = Some(outcome);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.inbox.put(Item::Last(self.tag, self.outcome.take().unwrap_or_else(|| Err(Error::defect()))));
        let mut state = self.inbox.state();
        if let Entry::Occupied(mut calls) = state.running.entry(self.client) {
            calls.get_mut().count -= 1;
            if calls.get().count == 0 {
                calls.remove();
            }
        }
        drop(state);
        self.inbox.ended.notify_all();
    }
}

impl xiezhen_queue {
    /// Begins a call, and returns at once.
    pub(crate) fn begin<T: Send + 'static>(
        &self,
        call: Call<T>,
        tag: *mut c_void,
        outcome: impl FnOnce(T) -> Outcome + Send + 'static,
    ) -> Result<()> {
        if !self.is_ours() {
            let problem = "the queue was made before a fork: it is the parent's; make one in this process";
            return Err(Error::invalid(vec![problem.to_owned()]));
        }
        let tag = tag.expose_provenance();
        let client = call.log().map(|(client, log)| {
            self.logs.lock().unwrap_or_else(PoisonError::into_inner).insert(client, log);
            client
        });
        let (said, lines) = (self.inbox.clone(), self.inbox.clone());
        let emit = Emit::new(move |message| said.put(Item::Said(tag, message)));
        let send_line = move |line| {
            if let Some(client) = client {
                lines.put(Item::Log(client, line));
            }
        };
        let mut running = Running::begin(&self.inbox, call.client(), tag);
        let work = call.start(self.stop.child_token(), emit, send_line);
        let spawned = process::spawn(async move {
            running.end(work.await.map(outcome));
        });
        spawned.map(drop)
    }

    fn is_ours(&self) -> bool {
        self.generation == process::generation()
    }

    fn next(&self) -> Option<xiezhen_completion> {
        while self.is_ours() {
            match self.inbox.take()? {
                Item::Said(tag, message) => return Some(xiezhen_completion::said(tag, message)),
                Item::Last(tag, outcome) => return Some(xiezhen_completion::last(tag, outcome)),
                Item::Log(client, line) => {
                    let log = self.logs.lock().unwrap_or_else(PoisonError::into_inner).get(&client).copied();
                    if let Some(log) = log {
                        log.tell(&line);
                    }
                }
            }
        }
        None
    }
}

impl Drop for xiezhen_queue {
    fn drop(&mut self) {
        // Before they are stopped: one that ends at once may leave a create behind.
        let clients: Vec<Client> = self.inbox.state().running.values().map(|calls| calls.client.clone()).collect();
        self.stop.cancel();
        let mut state = self.inbox.state();
        state.closed = true;
        // Not under the lock: what a call waits for goes with its items.
        let unread = std::mem::take(&mut state.items);
        drop(state);
        drop((unread, std::mem::take(&mut *self.inbox.batch())));
        let state = self.inbox.state();
        drop(self.inbox.ended.wait_timeout_while(state, PATIENCE, |state| !state.running.is_empty()));
        let logs: Vec<LogCallback> =
            self.logs.lock().unwrap_or_else(PoisonError::into_inner).values().copied().collect();
        // On a busy machine, a call may not even have noticed that it was stopped.
        let may_leave_one = || process::billed_calls().is_some() && !self.inbox.state().running.is_empty();
        wait_for_creates(|| may_leave_one() || clients.iter().any(Client::has_left_creates), &logs);
    }
}

/// A queue. Calls of any client may be begun on it, and any thread may take from it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_queue_new(
    queue: *mut *mut xiezhen_queue,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let queue = out(queue, "queue")?;
        // The process's runtime first: whether this is a forked child is known from then on.
        process::runtime()?;
        let signal = Signal::new().map_err(|error| {
            Error::new(ErrorKind::Io, format!("no descriptor for a queue: {error}; close some, or raise `ulimit -n`"))
                .with_source(error)
        })?;
        let (arrived, ended) = (Condvar::new(), Condvar::new());
        let (state, batch, pending) = (Mutex::default(), Mutex::default(), AtomicUsize::new(0));
        let inbox = Arc::new(Inbox { state, batch, pending, arrived, ended, signal });
        let stop = CancellationToken::new();
        let logs = Mutex::default();
        *queue = handle(xiezhen_queue { inbox, stop, logs, generation: process::generation() });
        Ok(())
    })
}

/// A descriptor that is readable exactly while there is something to take: for `poll`, `epoll`, and whatever event loop is built
/// on them. It is the queue's: only wait for it, and don't read it or close it. -1 where the system has none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_queue_fd(queue: *const xiezhen_queue) -> c_int {
    read_or(queue, -1, |queue| queue.inbox.signal.descriptor())
}

/// The next completion, to be freed; NULL if there is none now. Never blocks. The completions of one call come in order.
/// Clients' `on_log` is called from here, on this thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_queue_next(queue: *const xiezhen_queue) -> *mut xiezhen_completion {
    read_or(queue, std::ptr::null_mut(), |queue| queue.next().map_or(std::ptr::null_mut(), handle))
}

/// Blocks until there is something to take, for at most `timeout_ms` (`XIEZHEN_NONE`: for ever). Returns whether there is; false at
/// once if no call is pending.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_queue_wait(queue: *const xiezhen_queue, timeout_ms: u64) -> bool {
    read_or(queue, false, |queue| queue.is_ours() && queue.inbox.wait(maybe_ms(timeout_ms)))
}

/// How many begun calls are pending: their last completion was not taken yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_queue_pending(queue: *const xiezhen_queue) -> usize {
    read_or(queue, 0, |queue| if queue.is_ours() { queue.inbox.pending() } else { 0 })
}

/// Frees a queue, and stops the calls that were begun on it, as `xiezhen_cancel_cancel` does; nothing more comes of them. When
/// this returns, they have let go of their jobs and checkpoints. It waits for the answers of their creates in flight, as
/// `xiezhen_client_free` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_queue_free(queue: *mut xiezhen_queue) {
    // A forked child leaves its parent's alone: the calls are not its own, nor are the locks that they held at the fork.
    if read_or(queue, false, xiezhen_queue::is_ours) {
        free(queue);
    }
}
