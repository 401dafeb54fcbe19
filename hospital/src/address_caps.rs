//! How many connections each address has, and how many it may have.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts connections per address.
pub(crate) struct AddressCaps {
    cap: usize,
    counts: Mutex<HashMap<IpAddr, usize>>,
}

/// The right to one connection; giving it up makes room for another one.
pub(crate) struct Place {
    caps: Arc<AddressCaps>,
    network: IpAddr,
}

impl AddressCaps {
    /// At most `cap` connections from each address.
    pub(crate) fn new(cap: usize) -> Self {
        Self { cap, counts: Mutex::default() }
    }

    /// A place for one more connection from `address`, if it has fewer than it may have.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let network = network_of(address);
        let mut counts = self.lock();
        let count = counts.entry(network).or_default();
        if *count >= self.cap {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(Place { caps: Arc::clone(self), network })
    }

    /// How many connections an address may have.
    pub(crate) fn cap(&self) -> usize {
        self.cap
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        // The counts are right after every statement, so that a panic elsewhere cannot spoil them.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.caps.lock();
        if let Some(count) = counts.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.network);
            }
        }
    }
}

/// What counts as one address: of IPv6 a /64, which is the least that one customer is given.
pub(crate) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            [a, b, c, d, 0, 0, 0, 0].into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_is_given_up_is_free_again() {
        let caps = Arc::new(AddressCaps::new(1));
        let address = "192.0.2.1".parse().unwrap();
        let place = caps.admit(address);
        assert!(place.is_some());
        assert!(caps.admit(address).is_none());
        assert!(caps.admit("192.0.2.2".parse().unwrap()).is_some());
        drop(place);
        assert!(caps.admit(address).is_some());
        assert!(caps.lock().is_empty());
    }

    #[test]
    fn one_ipv6_network_is_one_address() {
        let caps = Arc::new(AddressCaps::new(1));
        let place = caps.admit("2001:db8::1".parse().unwrap());
        assert!(place.is_some());
        assert!(caps.admit("2001:db8::ffff:1".parse().unwrap()).is_none());
        assert!(caps.admit("2001:db8:0:1::1".parse().unwrap()).is_some());
    }

    #[test]
    fn an_ipv4_address_is_the_same_however_it_is_written() {
        let caps = Arc::new(AddressCaps::new(1));
        let place = caps.admit("::ffff:192.0.2.1".parse().unwrap());
        assert!(place.is_some());
        assert!(caps.admit("192.0.2.1".parse().unwrap()).is_none());
    }
}
