# SPDX-License-Identifier: EUPL-1.2
"""How the operator and the users of Musterstadt speak with its programs."""

import json
import sys
import urllib.error
import urllib.request


class Failed(Exception):
    """Something did not succeed; `status` is what a server said, if one answered."""

    def __init__(self, message, status=None):
        super().__init__(message)
        self.status = status


def say(text):
    print(f"town: {text}", file=sys.stderr, flush=True)


def ask(url, method="GET", content=None, seconds=5):
    """What a server answers: an object where it is JSON, else bytes."""
    if isinstance(content, dict):
        content = json.dumps(content).encode()
    request = urllib.request.Request(url, data=content, method=method)
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            body = answer.read()
            return json.loads(body) if answer.headers.get_content_subtype() == "json" else body
    except urllib.error.HTTPError as error:
        said = error.read(200).decode(errors="replace").strip()
        raise Failed(f"{url}: {error.code} {said}", error.code) from None
