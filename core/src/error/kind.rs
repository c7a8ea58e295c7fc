//! The one table of errors (docs/design.md §6): each kind under every name and number that it has anywhere.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Makes [`ErrorKind`] and everything that is said of a kind from one row each.
macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident: $code:literal, $class:literal, $number:literal, $exit:literal, $retryable:literal;)+) => {
        /// Why something failed. Every language of the SDK uses these kinds, under these codes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[doc = $doc])+ $kind,)+
        }

        impl ErrorKind {
            /// Every kind, in the table's order.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)+];

            /// The code, the same in every language: `"rate_limited"`.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$kind => $code,)+ }
            }

            /// The class in languages that have one per kind: `"RateLimited"`.
            pub const fn class_name(self) -> &'static str {
                match self { $(Self::$kind => $class,)+ }
            }

            /// The number in languages that count (C); 0 is success and never a kind.
            pub const fn number(self) -> i32 {
                match self { $(Self::$kind => $number,)+ }
            }

            /// What the command `xiezhen` exits with.
            pub const fn exit_code(self) -> u8 {
                match self { $(Self::$kind => $exit,)+ }
            }

            /// Whether the same call may succeed later, at no risk, with nothing changed.
            pub const fn is_retryable(self) -> bool {
                match self { $(Self::$kind => $retryable,)+ }
            }
        }
    };
}

kinds! {
    /// Refused before anything was sent, photos included.
    InvalidArgument: "invalid_argument", "InvalidArgumentError", 1, 2, false;
    /// The AppCode, the key or the signature is wrong.
    Authentication: "authentication", "AuthenticationError", 2, 3, false;
    /// Known to the gateway, but not allowed.
    Permission: "permission", "PermissionDeniedError", 3, 4, false;
    /// The calls bought are used up or expired, or the account is in arrears.
    Quota: "quota", "QuotaExhaustedError", 4, 5, false;
    /// Still throttled after the retries.
    RateLimited: "rate_limited", "RateLimitError", 5, 6, true;
    /// The service said `ret != 0`, or refused in any other way.
    Api: "api", "ApiError", 6, 7, false;
    /// An answer that is not what the service documents.
    Protocol: "protocol", "ProtocolError", 7, 8, false;
    /// No connection, TLS, a reset, or a 5xx after the retries.
    Transport: "transport", "TransportError", 8, 9, true;
    /// The deadline of a call or a wait has passed.
    Timeout: "timeout", "TimeoutError", 9, 10, true;
    /// A create was sent and its answer was lost: it may have been carried out, and paid.
    OutcomeUnknown: "outcome_unknown", "OutcomeUnknownError", 10, 11, false;
    /// The service gave the task up (state 5).
    TaskFailed: "task_failed", "TaskFailedError", 11, 12, false;
    /// Stopped by the caller.
    Cancelled: "cancelled", "CancelledError", 12, 130, true;
    /// A local file of ours.
    Io: "io", "FileError", 13, 13, false;
    /// A defect of this library.
    Internal: "internal", "InternalError", 14, 70, false;
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
