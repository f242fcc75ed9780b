#!/usr/bin/env python3
# SPDX-License-Identifier: EUPL-1.2
"""The schema that `zwilling check --schema` prints, judged by a validator that is not ours.

Run with `python3 tools/test_schema.py` after `swift build -c release`; ZWILLING names another
program. Skipped where that, `jsonschema` or `yaml` is missing.
"""

import glob
import json
import os
import subprocess
import tempfile
import unittest

try:
    import jsonschema
    import yaml
except ImportError:
    jsonschema = None

HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.environ.get("ZWILLING", os.path.join(HOME, ".build/release/zwilling"))

# What the program refuses, too: each breaks one rule of the schema.
BROKEN = {
    "nothing": "{}",
    "unknown key": "{institution: X, colour: green}",
    "nested unknown key": "{institution: X, data: [{id: a, kind: files, paths: [/a], x: y}]}",
    "no paths": "{institution: X, data: [{id: a, kind: files}]}",
    "no dump": "{institution: X, data: [{id: a, kind: command}]}",
    "key of another kind": "{institution: X, data: [{id: a, kind: files, paths: [/a], dump: b}]}",
    "kind": "{institution: X, data: [{id: a, kind: tape}]}",
    "id": "{institution: X, data: [{id: A, kind: files, paths: [/a]}]}",
    "relative path": "{institution: X, data: [{id: a, kind: files, paths: [a]}]}",
    "span": "{institution: X, services: [{id: a, rto: soon}]}",
    "category": "{institution: X, data: [{id: a, kind: files, paths: [/a], categories: [D9]}]}",
    "port": "{institution: X, applications: [{id: a, ports: [70000]}]}",
    "word for a port": "{institution: X, applications: [{id: a, ports: [http]}]}",
    "setting": "{institution: X, applications: [{id: a, configuration: {environment: {A: [b]}}}]}",
    "variable": "{institution: X, applications: [{id: a, configuration: {environment: {1A: b}}}]}",
    "secret": "{institution: X, applications: [{id: a, secrets: [{data: b, as: there}]}]}",
    "country": "{institution: X, platforms: [{id: a, kind: podman, country: Germany}]}",
    "leika": '{institution: X, services: [{id: a, leika: "123"}]}',
}

SOUND = {
    "numbers and flags": "{institution: X, applications: [{id: a, ports: 80, stateless: true, "
    "configuration: {environment: {A: 1, B: true, C: x}}, health: {tcp: 80}}]}",
    "every kind": "{institution: X, data: [{id: a, kind: command, dump: b, timeout: 5 min}, "
    "{id: b, kind: secret, command: c, timeout: 5 min}, {id: c, kind: postgres, connection: d}]}",
    "one instead of a list": "{institution: X, data: [{id: a, kind: files, paths: /a}]}",
}


@unittest.skipUnless(jsonschema, "no jsonschema and yaml here")
@unittest.skipUnless(os.access(PROGRAM, os.X_OK), "the program is not built")
class Schema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        told = {}
        for language in ("C", "de_DE.UTF-8"):
            run = subprocess.run(
                [PROGRAM, "check", "--schema"], capture_output=True, check=True,
                env={**os.environ, "LC_ALL": language})
            told[language] = json.loads(run.stdout)
        cls.schema = told["C"]
        cls.validator = jsonschema.Draft202012Validator(told["C"])
        cls.german = jsonschema.Draft202012Validator(told["de_DE.UTF-8"])

    def errors(self, text):
        value = yaml.safe_load(text)
        both = [[e.message for e in v.iter_errors(value)] for v in (self.validator, self.german)]
        self.assertEqual(both[0], both[1])
        return both[0]

    def check(self, text):
        """The exit code of `zwilling check`: 2 where it refuses."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "institution.yaml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            return subprocess.run(
                [PROGRAM, "check", "-f", path], capture_output=True, check=False).returncode

    def test_it_is_a_schema(self):
        jsonschema.Draft202012Validator.check_schema(self.schema)

    def test_the_examples_fit(self):
        files = glob.glob(os.path.join(HOME, "Examples/*/institution.yaml"))
        self.assertGreaterEqual(len(files), 2)
        for name in files:
            with self.subTest(name), open(name, encoding="utf-8") as file:
                self.assertEqual(self.errors(file.read()), [])

    def test_what_init_writes_fits(self):
        for template in ("gemeinde", "kreis", "stadtwerke", "krankenhaus"):
            with self.subTest(template), tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "institution.yaml")
                subprocess.run(
                    [PROGRAM, "init", "--template", template, "-f", path],
                    capture_output=True, check=True)
                with open(path, encoding="utf-8") as file:
                    self.assertEqual(self.errors(file.read()), [])

    def test_what_is_wrong_does_not_fit_and_is_refused(self):
        for name, text in BROKEN.items():
            with self.subTest(name):
                self.assertNotEqual(self.errors(text), [])
                self.assertEqual(self.check(text), 2)

    def test_what_is_sound_fits_and_is_taken(self):
        for name, text in SOUND.items():
            with self.subTest(name):
                self.assertEqual(self.errors(text), [])
                self.assertNotEqual(self.check(text), 2)


if __name__ == "__main__":
    unittest.main()
