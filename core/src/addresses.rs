//! Which machines pictures may be fetched from: addresses are the service's or a stranger's word, and must not reach into
//! the network that this process is in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use crate::error::{Error, ErrorKind, Result};

/// How far a request may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The caller's own choice: anywhere.
    Anywhere,
    /// A host that the service named: it may well resolve to a private address inside a cloud's network.
    Named,
    /// A host that a result host redirected to.
    Redirected,
}

/// Why pictures are not fetched from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    ThisMachine,
    LinkLocal,
    Metadata,
    Multicast,
    Private,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::ThisMachine => "this machine",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "a cloud's metadata service",
            Self::Multicast => "no single machine",
            Self::Private => "a private network",
        }
    }

    fn of(address: IpAddr) -> Option<Self> {
        match address {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => Self::of_v6(address),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Option<Self> {
        match address.octets() {
            // 0.0.0.0/8 leads to this machine on Linux.
            [0 | 127, ..] => Some(Self::ThisMachine),
            [100, 100, 100, 200] | [168, 63, 129, 16] | [192, 0, 0, 192] => Some(Self::Metadata),
            [169, 254, ..] => Some(Self::LinkLocal),
            [224..=239, ..] | [255, 255, 255, 255] => Some(Self::Multicast),
            [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Some(Self::Private),
            _ => None,
        }
    }

    fn of_v6(address: Ipv6Addr) -> Option<Self> {
        if let Some(inner) = inner_v4(address) {
            return Self::of_v4(inner);
        }
        match address.segments() {
            [0, 0, 0, 0, 0, 0, 0, 0 | 1] => Some(Self::ThisMachine),
            [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254] => Some(Self::Metadata),
            [0xfe80..=0xfebf, ..] => Some(Self::LinkLocal),
            [0xff00..=0xffff, ..] => Some(Self::Multicast),
            // fc00::/7, and what came before it.
            [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => Some(Self::Private),
            _ => None,
        }
    }
}

/// An address of the old kind inside one of the new: mapped, compatible, translated (NAT64) or tunnelled (6to4).
fn inner_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            v4(high, low)
        }
        _ => None,
    }
}

impl Reach {
    /// Where the caller's own `base_url` is inside, pictures may lead there too.
    pub(crate) fn of_base(base: &Url) -> Self {
        if is_inside(base) { Self::Anywhere } else { Self::Named }
    }

    /// What is out of reach there, if it is.
    pub(crate) fn refuses(self, address: IpAddr) -> Option<Kind> {
        Kind::of(address).filter(|kind| match self {
            Self::Anywhere => false,
            Self::Named => *kind != Kind::Private,
            Self::Redirected => true,
        })
    }

    /// Refuses an address that is written as such. Of a name, the resolver sees where it leads.
    pub(crate) fn check(self, url: &Url) -> Result<()> {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            Some(Host::Domain(name)) if is_localhost(name) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            _ => return Ok(()),
        };
        self.refuses(address).map_or(Ok(()), |kind| Err(refusal(url.host_str().unwrap_or_default(), kind)))
    }
}

/// Whether an address is written as one of this machine, or of the network that it is in.
pub(crate) fn is_inside(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => Kind::of_v4(address).is_some(),
        Some(Host::Ipv6(address)) => Kind::of_v6(address).is_some(),
        Some(Host::Domain(name)) => is_localhost(name),
        None => false,
    }
}

pub(crate) fn refusal(host: &str, kind: Kind) -> Error {
    let message = format!(
        "{host:?} leads to {}, where no result is fetched from; ‹allow_private_results› allows it",
        kind.name()
    );
    Error::new(ErrorKind::Protocol, message)
}

/// Whether `name` means this machine, without asking anybody.
pub(crate) fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or(name);
    last.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> [bool; 3] {
        let url = Url::parse(url).unwrap();
        [Reach::Anywhere, Reach::Named, Reach::Redirected].map(|reach| reach.check(&url).is_err())
    }

    #[test]
    fn what_leads_to_this_machine_or_a_metadata_service_is_refused_however_it_is_written() {
        for host in [
            "127.0.0.1",
            "127.1",
            "0x7f000001",
            "2130706433",
            "0.0.0.0",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "localhost",
            "LOCALHOST",
            "a.localhost",
            "localhost.",
            "169.254.169.254",
            "169.254.0.23",
            "[fe80::1]",
            "[::ffff:a9fe:a9fe]",
            "100.100.100.200",
            "[fd00:ec2::254]",
            "224.0.0.1",
            "255.255.255.255",
            "[ff02::1]",
            "168.63.129.16",
        ] {
            assert_eq!(refused(&format!("http://{host}/1.png")), [false, true, true], "{host}");
        }
    }

    #[test]
    fn a_private_address_is_refused_only_where_a_redirect_leads_there() {
        for host in
            ["10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "[fd12::1]", "[::ffff:10.0.0.1]"]
        {
            assert_eq!(refused(&format!("http://{host}/1.png")), [false, false, true], "{host}");
        }
        // The last is what proxies on a phone answer for any name.
        for host in ["8.8.8.8", "172.32.0.1", "[2606:4700::1]", "oss.example.com", "notlocalhost", "198.18.0.1"] {
            assert_eq!(refused(&format!("http://{host}/1.png")), [false; 3], "{host}");
        }
    }
}
