"""``python3 main.py check-config``: checks every setting, and shows what is in force and where it comes from."""

import argparse
import json
from urllib.parse import urlsplit

from app.config import Config, effective


def run(arguments: argparse.Namespace, config: Config) -> int:  # noqa: ARG001 - every setting is in the config
    """Print one line per setting; secrets are masked. What does not fit has been refused before this runs."""
    settings = effective(config)
    rows = [(f"{one.section}.{one.key}", json.dumps(one.value, ensure_ascii=False), one.source) for one in settings]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for name, value, source in rows:
        print(f"{name:<{widths[0]}}  {value:<{widths[1]}}  {source}")
    print(f"\nfile: {config.origin.file or 'none'}\ndata: {config.data_folder}\nlog:  {config.log_file}")
    print(f"mail: {config.email.host or 'off: [email] host is empty'}")
    print(f"push: {'on' if config.push.enabled else 'off: [push] enabled is false'}")
    print(f"sms:  {urlsplit(config.sms.url).hostname or 'off: [sms] url is empty'}")
    return 0
