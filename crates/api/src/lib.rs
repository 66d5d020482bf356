//! The HTTP contract: routes, types, sign-in, OpenAPI
