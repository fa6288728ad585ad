"""Which paths speak JSON to programs rather than pages to people."""

API_PREFIXES = ("/api/", "/v1.0/")


def is_api_path(path: str) -> bool:
    return path.startswith(API_PREFIXES) or path in {"/api", "/v1.0"}
