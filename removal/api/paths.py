"""Which paths speak JSON to programs rather than pages to people."""

REMOVEBG_PREFIX = "/v1.0/"
API_PREFIXES = ("/api/", REMOVEBG_PREFIX)


def is_api_path(path: str) -> bool:
    return path.startswith(API_PREFIXES) or path in {"/api", "/v1.0"}
