//! Places for connections: limited in all and per address, and a few kept for questions about the server's
//! health.
//!
//! A connection that sends no request gives way, and so does a session that has sent no frame for a while: when
//! no place is free, the one that has been idle longest is cut off. So sockets that do nothing shut no client out,
//! and while there is room a camera may pause. Then the address that has most gives up the request that has taken longest,
//! for one that has fewer. Where that frees nothing, a connection gets a
//! place of the *reserve*: it may ask whether the server lives and how it does, and learns otherwise to
//! come back later. When the reserve is full too, its oldest connection is cut off.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio_util::sync::CancellationToken;

use crate::locks::unpoisoned;

/// How many connections may be open at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaceLimits {
    /// In all, streams included.
    pub total: usize,
    /// From one address, or one IPv6 network of 64 bits.
    pub per_address: usize,
    /// Beyond the total, for questions about health alone.
    pub reserve: usize,
}

impl PlaceLimits {
    /// Below the default limit of open files. Half of the places are for others than the address that
    /// has most, and behind a proxy that one is everybody.
    pub const DEFAULT: Self = Self { total: 512, per_address: 256, reserve: 32 };
}

/// The limit for which there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExceededLimit {
    /// [`PlaceLimits::total`].
    Total,
    /// [`PlaceLimits::per_address`].
    PerAddress,
}

/// The connections that are open.
#[derive(Debug)]
pub struct Places {
    limits: PlaceLimits,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// In the order of their arrival.
    by_arrival: BTreeMap<u64, Holder>,
    /// Number of the next connection.
    next: u64,
    /// Counts the times that a connection became idle or busy.
    changes: u64,
}

#[derive(Debug)]
struct Holder {
    address: IpAddr,
    in_reserve: bool,
    activity: Activity,
    is_session: bool,
    cut: CancellationToken,
}

/// Each with its place in the order of such changes.
#[derive(Debug, Clone, Copy)]
enum Activity {
    /// The next request or frame is waited for.
    Idle(u64),
    /// A request is answered, or frames come.
    Busy(u64),
}

/// A place of an open connection; free again when this is dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    address: IpAddr,
    number: u64,
    exceeded: Option<ExceededLimit>,
    cut: CancellationToken,
}

impl Places {
    pub fn new(limits: PlaceLimits) -> Arc<Self> {
        Arc::new(Self { limits, held: Mutex::default() })
    }

    /// A place for a new connection from this address.
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Place {
        let PlaceLimits { total, per_address, reserve } = self.limits;
        let address = network(address);
        let mut held = self.lock();
        let of_address = |holder: &Holder| !holder.in_reserve && holder.address == address;
        let ordinary = |holder: &Holder| !holder.in_reserve;
        let mut gives_way = None;
        let mut exceeded = None;
        if held.count(of_address) >= per_address {
            gives_way = held.remove_idle(of_address);
            exceeded = Some(ExceededLimit::PerAddress);
        } else if held.count(ordinary) >= total {
            gives_way = held.remove_idle(ordinary);
            gives_way = gives_way.or_else(|| held.remove_request_of_the_largest_holder(address));
            exceeded = Some(ExceededLimit::Total);
        }
        let exceeded = exceeded.filter(|_| gives_way.is_none());
        let in_reserve = exceeded.is_some();
        if in_reserve && held.count(|holder| holder.in_reserve) >= reserve {
            gives_way = held.remove_oldest_of_reserve();
        }
        let number = held.next;
        held.next += 1;
        held.changes += 1;
        let (activity, cut) = (Activity::Idle(held.changes), CancellationToken::new());
        let holder = Holder { address, in_reserve, activity, is_session: false, cut: cut.clone() };
        held.by_arrival.insert(number, holder);
        drop(held);
        cut_off(gives_way);
        Place { places: Arc::clone(self), address, number, exceeded, cut }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        unpoisoned(self.held.lock())
    }
}

impl Held {
    fn count(&self, wanted: impl Fn(&Holder) -> bool) -> usize {
        self.by_arrival.values().filter(|holder| wanted(holder)).count()
    }

    /// Takes the place of the connection that has been idle longest among those wanted, if any is idle. It is to be
    /// cut off.
    fn remove_idle(&mut self, wanted: impl Fn(&Holder) -> bool) -> Option<Holder> {
        let idle = self.by_arrival.iter().filter(|(_, holder)| wanted(holder));
        let idle = idle.filter_map(|(number, holder)| match holder.activity {
            Activity::Idle(order) => Some((order, *number)),
            Activity::Busy(_) => None,
        });
        let (_, number) = idle.min()?;
        self.by_arrival.remove(&number)
    }

    /// The same for the request that has taken longest of the address that has most places, for one that will have no
    /// more than that with it. Sessions are left alone.
    fn remove_request_of_the_largest_holder(&mut self, newcomer: IpAddr) -> Option<Holder> {
        let mut held: HashMap<IpAddr, usize> = HashMap::new();
        for holder in self.by_arrival.values().filter(|holder| !holder.in_reserve) {
            *held.entry(holder.address).or_default() += 1;
        }
        let most_for_it = held.get(&newcomer).copied().unwrap_or(0) + 2;
        let requests =
            self.by_arrival.iter().filter_map(|(number, holder)| match holder.activity {
                Activity::Busy(order) if !holder.in_reserve && !holder.is_session => {
                    Some((held[&holder.address], order, *number))
                }
                _ => None,
            });
        let gives_way = requests.min_by_key(|(held, order, _)| (Reverse(*held), *order));
        let (_, _, number) = gives_way.filter(|(held, ..)| *held >= most_for_it)?;
        self.by_arrival.remove(&number)
    }

    /// The same for the oldest of the reserve.
    fn remove_oldest_of_reserve(&mut self) -> Option<Holder> {
        let (number, _) = self.by_arrival.iter().find(|(_, holder)| holder.in_reserve)?;
        let number = *number;
        self.by_arrival.remove(&number)
    }
}

/// Cuts off a connection whose place was taken. This wakes its task, so no lock may be held.
fn cut_off(holder: Option<Holder>) {
    if let Some(Holder { cut, .. }) = holder {
        cut.cancel();
    }
}

impl Place {
    /// The address that it is of; of IPv6, the network.
    pub(super) fn address(&self) -> IpAddr {
        self.address
    }

    /// Whether it is one of the reserve.
    pub fn is_in_reserve(&self) -> bool {
        self.exceeded.is_some()
    }

    /// The limit for which it is one of the reserve.
    pub(super) fn exceeded(&self) -> Option<ExceededLimit> {
        self.exceeded
    }

    /// Cancelled when the connection must give way.
    pub fn cut(&self) -> &CancellationToken {
        &self.cut
    }

    /// The connection has become a session, which counts as busy at first.
    pub fn begin_session(&self) {
        if let Some(holder) = self.places.lock().by_arrival.get_mut(&self.number) {
            holder.is_session = true;
        }
    }

    /// Cuts off the session that has been idle longest, if any is idle: there may be no more sessions.
    pub fn cut_idle_session(&self) {
        let idle = self.places.lock().remove_idle(|holder| holder.is_session);
        cut_off(idle);
    }

    /// A request is being answered, or frames come.
    pub fn set_busy(&self) {
        self.set(Activity::Busy);
    }

    /// The next request or frame is waited for.
    pub fn set_idle(&self) {
        self.set(Activity::Idle);
    }

    fn set(&self, activity: impl FnOnce(u64) -> Activity) {
        let mut held = self.places.lock();
        held.changes += 1;
        let activity = activity(held.changes);
        if let Some(holder) = held.by_arrival.get_mut(&self.number) {
            holder.activity = activity;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().by_arrival.remove(&self.number);
    }
}

/// The address that counts: a client with an IPv6 address has a network of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            if address.is_loopback() {
                return IpAddr::V6(address);
            }
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(total: usize, per_address: usize, reserve: usize) -> Arc<Places> {
        Places::new(PlaceLimits { total, per_address, reserve })
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn busy(places: &Arc<Places>, from: &str) -> Place {
        let place = places.admit(address(from));
        place.set_busy();
        place
    }

    #[test]
    fn silent_connections_give_way_the_longest_idle_first() {
        let places = places(3, 3, 1);
        let first = places.admit(address("10.0.0.1"));
        let second = places.admit(address("10.0.0.1"));
        let _busy = busy(&places, "10.0.0.1");
        // An answer makes the first idle again, later than the second.
        first.set_busy();
        first.set_idle();
        let newcomer = places.admit(address("10.0.0.2"));
        assert!(!newcomer.is_in_reserve());
        assert!(second.cut().is_cancelled() && !first.cut().is_cancelled());
        // What was cut off does not free its place twice.
        drop(second);
        let _next = busy(&places, "10.0.0.3");
        assert!(first.cut().is_cancelled() && !newcomer.cut().is_cancelled());
    }

    #[test]
    fn busy_connections_keep_their_places_and_others_get_the_reserve() {
        let places = places(2, 2, 2);
        let kept = [busy(&places, "10.0.0.1"), busy(&places, "10.0.0.2")];
        let [a, b, c] = [(); 3].map(|()| places.admit(address("10.0.0.3")));
        assert!([&a, &b, &c].iter().all(|place| place.is_in_reserve()));
        assert!(a.cut().is_cancelled(), "the oldest gives way when the reserve is full");
        assert!(!b.cut().is_cancelled() && !c.cut().is_cancelled());
        assert!(kept.iter().all(|place| !place.cut().is_cancelled()));
        drop(kept);
        assert!(!places.admit(address("10.0.0.3")).is_in_reserve());
    }

    #[test]
    fn the_address_that_has_most_gives_up_its_longest_request_for_one_that_has_fewer() {
        let places = places(5, 4, 1);
        let [a, b] = [(); 2].map(|()| busy(&places, "10.0.0.1"));
        let many = [(); 3].map(|()| busy(&places, "10.0.0.2"));
        // The first is a session, and the second has begun another request.
        many[0].begin_session();
        many[1].set_busy();
        let newcomer = busy(&places, "10.0.0.3");
        assert!(!newcomer.is_in_reserve());
        let cut: Vec<_> = many.iter().map(|place| place.cut().is_cancelled()).collect();
        assert_eq!(cut, [false, false, true]);
        assert!(![&a, &b].iter().any(|place| place.cut().is_cancelled()));
        // Two, two and one: another of the third's would take more than it leaves.
        assert!(places.admit(address("10.0.0.3")).is_in_reserve());
        let _fourth = busy(&places, "10.0.0.4");
        assert!(a.cut().is_cancelled() && !newcomer.cut().is_cancelled());
    }

    #[test]
    fn one_address_cannot_have_every_place() {
        let places = places(4, 2, 1);
        let streams = [busy(&places, "10.0.0.1"), busy(&places, "10.0.0.1")];
        let third = places.admit(address("10.0.0.1"));
        assert_eq!(third.exceeded(), Some(ExceededLimit::PerAddress));
        assert!(places.admit(address("::ffff:10.0.0.1")).is_in_reserve());
        assert!(!places.admit(address("10.0.0.2")).is_in_reserve());
        let others = [busy(&places, "2001:db8::1"), busy(&places, "2001:db8::2")];
        streams.iter().chain(&others).for_each(Place::begin_session);
        assert!(places.admit(address("2001:db8::3")).is_in_reserve(), "one network");
        let fifth = places.admit(address("10.0.0.3"));
        assert_eq!(fifth.exceeded(), Some(ExceededLimit::Total));
    }

    #[test]
    fn an_idle_session_gives_way_to_connections_and_to_sessions() {
        let places = places(3, 3, 1);
        let [paused, streaming] = [(); 2].map(|()| busy(&places, "10.0.0.1"));
        paused.begin_session();
        streaming.begin_session();
        let request = busy(&places, "10.0.0.2");
        paused.set_idle();
        streaming.set_idle();
        streaming.set_busy();
        request.set_idle();
        request.cut_idle_session();
        assert!(paused.cut().is_cancelled(), "the only session that is idle");
        assert!(!streaming.cut().is_cancelled() && !request.cut().is_cancelled());
        request.cut_idle_session();
        assert!(!streaming.cut().is_cancelled() && !request.cut().is_cancelled());
    }

    #[test]
    fn an_address_at_its_limit_gives_up_its_own_idle_connections_only() {
        let places = places(4, 2, 1);
        let other = places.admit(address("10.0.0.2"));
        let own = places.admit(address("10.0.0.1"));
        let _stream = busy(&places, "10.0.0.1");
        assert!(!places.admit(address("10.0.0.1")).is_in_reserve());
        assert!(own.cut().is_cancelled() && !other.cut().is_cancelled());
    }
}
