//! Names to addresses: as the system resolves them, and no further than a request may reach.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::addresses::{Reach, is_localhost, refusal};

/// `localhost` is this machine, whatever anybody else says.
pub(super) struct Resolver {
    pub(super) reach: Reach,
    /// Hosts of the caller's own proxies: those may be anywhere.
    pub(super) proxies: Vec<String>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let own = self.proxies.iter().any(|proxy| proxy.eq_ignore_ascii_case(&host));
        let reach = if own { Reach::Anywhere } else { self.reach };
        Box::pin(async move {
            let found: Vec<SocketAddr> = if is_localhost(&host) {
                vec![(Ipv4Addr::LOCALHOST, 0).into(), (Ipv6Addr::LOCALHOST, 0).into()]
            } else {
                tokio::net::lookup_host((host.as_str(), 0)).await?.collect()
            };
            let refused = found.iter().find_map(|address| reach.refuses(address.ip()));
            let allowed: Vec<_> = found.into_iter().filter(|address| reach.refuses(address.ip()).is_none()).collect();
            match refused {
                Some(kind) if allowed.is_empty() => Err(refusal(&host, kind).into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorKind};

    #[tokio::test]
    async fn names_are_refused_by_where_they_lead() {
        let resolver = |reach, proxies| Resolver { reach, proxies };
        let resolve =
            async |resolver: Resolver, name: &str| resolver.resolve(name.parse().unwrap()).await.map(Iterator::count);
        assert_eq!(resolve(resolver(Reach::Anywhere, vec![]), "x.localhost").await.unwrap(), 2);
        assert_eq!(resolve(resolver(Reach::Named, vec!["localhost".into()]), "localhost").await.unwrap(), 2);
        let error = resolve(resolver(Reach::Named, vec![]), "localhost").await.unwrap_err();
        let error = error.downcast_ref::<Error>().unwrap();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(error.message().contains("allow_private_results"), "{error}");
    }
}
