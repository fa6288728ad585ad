"""Tells API paths (JSON for programs) from pages."""

REMOVEBG_PREFIX = "/v1.0/"
API_PREFIXES = ("/api/", REMOVEBG_PREFIX)
PAGES = {"/api/explorer", "/api/explorer/"}  # a page, although below an API prefix


def is_api_path(path: str) -> bool:
    if path in PAGES:
        return False
    return path.startswith(API_PREFIXES) or path in {"/api", "/v1.0"}
