"""Which paths speak JSON to programs rather than pages to people."""

REMOVEBG_PREFIX = "/v1.0/"
API_PREFIXES = ("/api/", REMOVEBG_PREFIX)
PAGES = {"/api/explorer", "/api/explorer/"}  # for people, although it stands among the rest


def is_api_path(path: str) -> bool:
    if path in PAGES:
        return False
    return path.startswith(API_PREFIXES) or path in {"/api", "/v1.0"}
