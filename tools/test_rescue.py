# SPDX-License-Identifier: EUPL-1.2
"""Tests of rescue.py against a tiny writer of its own, made from docs/format.md alone.

    python3 -m unittest tools/test_rescue.py

The writer needs `cryptography` 48 or newer (X-Wing, ML-DSA) and libzstd; rescue.py is then run by
every Python at hand, with that package and with --plain, as it would be in a crisis.
"""

import contextlib
import ctypes
import hashlib
import hmac
import io
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rescue  # noqa: E402

try:
    from cryptography.hazmat.primitives import hpke
    from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa, mlkem, x25519
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    from cryptography.hazmat.primitives.hashes import SHA256
    SUITE = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
except (ImportError, AttributeError):
    SUITE = None
try:
    ZSTD = ctypes.CDLL("libzstd.so.1")
except OSError:
    ZSTD = None

RESCUE = os.path.abspath(rescue.__file__)
PASSPHRASE = "Käse im Körbchen".encode()
DATA, TREE = 1, 2
FILE, DIRECTORY, LINK, FIFO, SOCKET, CHARACTER, BLOCK = range(7)
ROOT = os.geteuid() == 0


def interpreters():
    """Every way to run rescue.py here."""
    found = [[sys.executable, RESCUE], [sys.executable, RESCUE, "--plain"]]
    if os.path.exists("/usr/bin/python3") and not os.path.samefile(
            os.path.realpath(sys.executable), "/usr/bin/python3"):
        found += [["/usr/bin/python3", RESCUE], ["/usr/bin/python3", RESCUE, "--plain"]]
    return found


# The shapes, the other way round


def varint(value):
    result = b""
    while value >= 0x80:
        result += bytes([value & 0x7F | 0x80])
        value >>= 7
    return result + bytes([value])


def signed(value):
    return varint(((value << 1) ^ (value >> 63)) & (2**64 - 1))


def block(data):
    return varint(len(data)) + data


def many(items):
    items = list(items)
    return varint(len(items)) + b"".join(items)


def u32(value):
    return value.to_bytes(4, "little")


def u64(value):
    return value.to_bytes(8, "little")


def when(seconds, nanoseconds=0):
    return signed(seconds) + u32(nanoseconds)


SEGMENT = 1 << 20  # as small as PostgreSQL makes them


def span(start, end, timeline=1, system=77):
    return u64(system) + u32(timeline) + u64(start) + u64(end) + u32(SEGMENT) + when(1_700_000_000)


def sha(data):
    return hashlib.sha256(data).digest()


def derive(secret, label, context=b""):
    return HKDF(SHA256(), 32, b"", label + b"\0" + context).derive(secret)


def gcm(key, plain, associated, number=0):
    return AESGCM(key).encrypt(bytes(4) + number.to_bytes(8, "big"), plain, associated)


def padme(length):
    e = length.bit_length() - 1
    m = 2 ** (e - e.bit_length()) - 1
    return (length + m) // (m + 1) * (m + 1)


def compress(data):
    ZSTD.ZSTD_compressBound.restype = ZSTD.ZSTD_compress.restype = ctypes.c_size_t
    output = ctypes.create_string_buffer(len(data) + 1024)
    size = ZSTD.ZSTD_compress(output, ctypes.c_size_t(len(output)), data,
                              ctypes.c_size_t(len(data)), 3)
    return output.raw[:size]


class Key:
    """An X-Wing key pair from its seed, by the package's own parts."""

    def __init__(self, seed):
        self.seed, expanded = seed, hashlib.shake_256(seed).digest(96)
        m = mlkem.MLKEM768PrivateKey.from_seed_bytes(expanded[:64]).public_key()
        x = x25519.X25519PrivateKey.from_private_bytes(expanded[64:]).public_key()
        self.public = m.public_bytes_raw() + x.public_bytes_raw()
        self.sealer, self.print = hpke.MLKEM768X25519PublicKey(m, x), sha(self.public)[:16]

    def seal(self, plain, info):
        return SUITE.encrypt(plain, self.sealer, info)


def entry(name, kind, content=b"", leave=0, mode=0o644, owner=(0, 0), time=(0, 0), flags=0,
          more=b""):
    """One entry; `more` is what the flags announce, `content` what its kind needs."""
    return (varint(leave) + block(name) + bytes([kind]) + varint(mode) + varint(owner[0])
            + varint(owner[1]) + when(*time) + bytes([flags]) + more + content)


def whole(size, *numbers):
    return varint(size) + (b"\1" + many(map(varint, numbers)) if size else b"")


class Maker:
    """Writes a vault of one writer."""

    def __init__(self, path):
        self.path, self.vault, self.writer, self.domain = path, b"v" * 16, b"w" * 16, b"d" * 16
        self.root_ed = ed25519.Ed25519PrivateKey.from_private_bytes(b"e" * 32)
        self.root_dsa = mldsa.MLDSA65PrivateKey.from_seed_bytes(b"m" * 32)
        self.sign = ed25519.Ed25519PrivateKey.from_private_bytes(b"s" * 32)
        self.observer, self.reader, self.secret = Key(b"o" * 32), Key(b"r" * 32), b"D" * 32
        publics = (self.root_ed.public_key().public_bytes_raw(),
                   self.root_dsa.public_key().public_bytes_raw())
        self.publics, self.root = b"".join(publics), sha(b"zwilling root\0" + b"".join(publics))
        self.waiting, self.added, self.records = {DATA: [], TREE: []}, [], [bytes(32)]
        self.keyring_hash, self.keyrings = bytes(32), 0
        self.fronts = {}  # of sessions of units
        self.table_key = derive(self.secret, b"zwilling chunk table", b"p" * 16)

    def put(self, name, data):
        target = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            file.write(data)

    def keyring(self, retired=None, version=1, companions=(), promotion=None, stewards=None):
        self.keyrings += 1
        number, associated = u32(self.keyrings), self.vault + self.root
        access, salt = b"A" * 32, b"S" * 32
        key = hashlib.scrypt(PASSPHRASE, salt=b"T" * 32, n=1024, r=8, p=1, dklen=32)
        way = bytes([10]) + u32(8) + u32(1) + b"T" * 32 + gcm(
            derive(key, b"zwilling access"), access, associated)
        box = gcm(derive(access, b"zwilling strongbox", salt), b"e" * 32 + b"m" * 32
                  + self.observer.seed + many([u32(1) + self.reader.seed]), associated + number)
        sealed = self.reader.seal(self.secret, b"zwilling domain\0" + self.vault + self.writer
                                  + self.domain)
        state = b"\0" if retired is None else b"\1" + u64(retired[0]) + retired[1]
        writer = (self.writer + block(b"laptop") + self.sign.public_key().public_bytes_raw()
                  + when(1) + self.domain + u32(1) + sealed + state)
        body = (when(1) + many([b"\1" + block(way)]) + salt + block(box) + self.observer.public
                + many([u32(1) + self.reader.public]) + many([writer]) + many(companions)
                + many([varint(7) + b"\0" + block(b"passed over")]
                       + ([] if promotion is None else [varint(2) + b"\1" + block(promotion)])
                       + ([] if stewards is None else [varint(3) + b"\1" + block(many(stewards))])))
        data = (b"ZWLGK" + bytes([version, 0, 0]) + self.vault + number + self.keyring_hash
                + self.publics + u32(len(body)) + body)
        message = b"zwilling keyring\0" + data
        data += self.root_ed.sign(message) + self.root_dsa.sign(message)
        self.keyring_hash = sha(data)
        self.put(f"keyring/{self.keyrings:08}", data)
        self.put(f"keyring-copy/{self.keyrings:08}", data)

    def steward(self, last=None):
        """As a keyring names it; this one signs with root's keys, which its own are like."""
        state = b"\0" if last is None else b"\1" + u64(last)
        return b"t" * 16 + block(b"steward") + self.publics + when(1) + state

    def statement(self, number, stretches, steward=b"t" * 16):
        """Lets go of the writer's records in stretches of (gap, length less one)."""
        digest = b"p" * 32
        data = (b"ZWLGS" + bytes([1, 0, 0]) + self.vault + u64(number) + bytes(32) + steward
                + when(5) + many([self.writer + u64(len(self.records) - 1) + self.records[-1]])
                + many([self.writer + many(varint(gap) + varint(more) for gap, more in stretches)])
                + many([digest]) + many([]))
        message = b"zwilling statement\0" + data
        data += self.root_ed.sign(message) + self.root_dsa.sign(message)
        self.put(f"statements/{number:012}", data)
        return data

    def invitation(self, name=b"n" * 16, host=b"mill"):
        """An invitation, and the claim that took it up."""
        who = self.vault + name + self.writer
        data = b"ZWLGI" + bytes([1, 0, 0]) + who + when(1) + when(2) + bytes(128)
        message = b"zwilling invitation\0" + data
        data += self.root_ed.sign(message) + self.root_dsa.sign(message)
        self.put(f"invitations/{name.hex()}", data)
        claim = b"ZWLGC" + bytes([1, 0, 0]) + who + b"c" * 16 + when(3) + block(host)
        claim += self.sign.sign(b"zwilling claim\0" + claim)
        self.put(f"claims/{name.hex()}", claim)
        return {f"invitations/{name.hex()}": data, f"claims/{name.hex()}": claim}

    def chunk(self, kind, plain):
        label = b"zwilling data id" if kind == DATA else b"zwilling tree id"
        digest = hmac.digest(derive(self.secret, label), plain, "sha256")
        packed = compress(plain)
        row = (digest, plain, 0, len(plain)) if len(packed) >= len(plain) else (
            digest, packed, 1, len(plain))
        if digest not in [other[0] for other in self.waiting[kind]]:
            self.waiting[kind].append(row)
        return digest

    def named(self, kind, plain):
        """A chunk as sections and lists name it."""
        return self.chunk(kind, plain) + varint(len(plain))

    def pack(self, kind, commitment_of=None):
        rows, self.waiting[kind] = self.waiting[kind], []
        if not rows:
            return
        content_key = os.urandom(32)
        committed = sha(b"zwilling pack key\0" + (commitment_of or content_key))
        table = u32(len(rows)) + b"".join(
            digest + u32(len(stored)) + u32(plain) + bytes([way])
            for digest, stored, way, plain in rows)
        table += bytes(-(len(table) + 16) % 4096)
        info = b"ZWLGP" + bytes([1, kind, 0]) + self.vault + self.writer + b"p" * 16 + (
            self.domain) + u32(1)
        head = info + committed + u32(len(table) + 16)
        binding = sha(info + committed)
        front = head + b"\1" + self.reader.print + self.reader.seal(content_key, info)
        data = front + gcm(self.table_key, table, sha(front))
        for number, (digest, stored, _, _) in enumerate(rows):
            data += gcm(content_key, stored, binding + digest, number)
        missing = padme(max(65536, len(data) + 16)) - len(data)
        data += gcm(content_key, bytes(missing - 16), binding + bytes(32), len(rows))
        name = sha(data)
        self.put(f"packs/{name.hex()[:2]}/{name.hex()}", data)
        self.added.append((name, len(data)))

    def section(self, folder, named, entries):
        """A section as its root chunk names it."""
        name = self.first_name(entries[0])
        plain = many(map(block, folder)) + many(named) + many(entries)
        return (self.chunk(TREE, plain) + varint(len(plain)) + varint(len(entries))
                + many(map(block, folder + [name])))

    @staticmethod
    def first_name(data):
        reader = rescue.Reader(data, "entry")
        reader.varint()
        return reader.block()

    def record(self, roots, kind=1, base=0, removed=(), version=1, time=1_700_000_000,
               extensions=()):
        number = len(self.records)
        body = (bytes([kind]) + when(time, 5) + block(b"home") + block(b"host")
                + many([block(b"/data")]) + b"".join(map(varint, [1, 2, 3, 4, 5, 6])) + varint(7)
                + varint(base) + many(n + varint(size) for n, size in self.added)
                + many(removed) + many(roots) + many(extensions))
        body += bytes(-len(body) % 512)
        head = (b"ZWLGR" + bytes([version, 0, 0]) + self.vault + self.writer + u64(number)
                + self.records[-1] + u64(0) + self.observer.print)
        sealed = self.observer.seal(body, head)
        data = head + sealed[:1120] + u32(len(sealed) - 1120) + sealed[1120:]
        data += self.sign.sign(b"zwilling record\0" + data)
        self.records.append(sha(data))
        self.put(f"records/{self.writer.hex()}/{number:012}", data)

    def unit(self, session, number, content, start, previous=bytes(32), data_set=b"home",
             timeline=1, stands=None, way=None, facts_plain=None, key_number=None):
        """A unit, and its hash; every session has secrets made from its number."""
        at, key_number = len(self.records) - 1, number if key_number is None else key_number
        stands = (at, self.records[at]) if stands is None else stands
        front = (b"ZWLGU" + bytes([1, 0, 0]) + self.vault + self.writer + u32(1) + u64(session)
                 + u64(stands[0]) + stands[1] + self.reader.print + self.observer.print)
        secrets = [sha(part + u64(session)) for part in (b"content", b"facts")]
        if session not in self.fronts:
            self.fronts[session] = front + b"".join(
                key.seal(secret, b"zwilling unit " + part + b"\0" + front) for part, key, secret in
                zip((b"content", b"facts"), (self.reader, self.observer), secrets))
        keys = []
        for secret in secrets:
            chain = derive(secret, b"zwilling unit")
            for _ in range(key_number):
                chain = derive(chain, b"zwilling unit next")
            keys.append(derive(chain, b"zwilling unit key"))
        facts = facts_plain or (
            block(data_set) + b"\1" + span(start, start + len(content), timeline)
            + many([varint(9) + b"\0" + block(b"passed over")]))
        facts += bytes(-(len(facts) + 16) % 512)
        packed = compress(content) if way is None else content
        way = int(len(packed) < len(content)) if way is None else way
        stored = packed if way else content
        inner = bytes([way]) + u32(len(content)) + u32(len(stored)) + stored
        others = 2568 + len(facts) + 16 + 16 + 64
        inner += bytes(max(4096, padme(others + len(inner))) - others - len(inner))
        data = self.fronts[session] + u32(number) + previous + b"".join(
            sha(b"zwilling unit commitment\0" + key) for key in keys)
        data += u32(len(facts) + 16) + u32(len(inner) + 16)
        data += gcm(keys[1], facts, sha(data))
        data += gcm(keys[0], inner, sha(data))
        data += self.sign.sign(b"zwilling unit\0" + data)
        self.put(f"units/{self.writer.hex()}/{session:012}-{number:06}", data)
        return sha(data)

    def snapshot(self, sections, **more):
        root = self.chunk(TREE, many(sections))
        self.pack(DATA)
        self.pack(TREE)
        self.record([root], **more)


BIG = [hashlib.shake_128(bytes([n])).digest(700_000) for n in range(3)]
DEEP = [b"d%03d" % n + b"x" * 200 for n in range(40)]  # a path of 8 KB


def rich(maker):
    """A snapshot with everything a file system has."""
    owner = (12, 34) if ROOT else (os.getuid(), os.getgid())
    group = b"hello\n" + b"a second file of a group" * 40
    chunks = [maker.named(DATA, group)] + [maker.named(DATA, data) for data in BIG]
    lists = [many([maker.named(DATA, BIG[0]), maker.named(DATA, BIG[1])]),
             many([maker.named(DATA, BIG[2])])]
    chunks += [maker.named(TREE, data) for data in lists]
    attributes = many([block(b"user.long") + block(b"x" * 2000)])
    chunks.append(maker.named(TREE, attributes))
    hard = varint(9) + varint(77)
    common = {"owner": owner, "time": (1_600_000_000, 123_456_789)}
    regions = many([varint(2**39) + varint(700_000), varint(5) + varint(3)])
    entries = [
        entry(b"data", DIRECTORY, mode=0o2550, **common),
        entry(b"a-group", FILE, varint(6) + b"\0" + varint(0) + varint(0), **common),
        entry(b"b-group", FILE, varint(960) + b"\0" + varint(0) + varint(6), mode=0o4711,
              owner=owner, time=(-5, 999_999_999)),
        entry(b"c-big", FILE, whole(1_400_000, 1, 2), flags=1 | 2 | 16, mode=0o400, more=hard
              + many([block(b"user.note") + block(b"\0\xff")]), **common),
        entry(b"d-big", FILE, varint(2_100_000) + b"\2" + many([varint(4), varint(5)]), flags=6,
              more=varint(6), **common),
        entry(b"e-same", FILE, whole(1_400_000, 1, 2), flags=1 | 2 | 16, mode=0o400, more=hard
              + many([block(b"user.note") + block(b"\0\xff")]), **common),
        entry(b"f-empty", FILE, varint(0), **common),
        entry(b"g-hole", FILE, varint(2**40) + regions + b"\1" + many([varint(1), varint(7)]),
              flags=8, **common),
        entry(b"h-link", LINK, block(b"/nowhere/\xff"), mode=0o777, **common),
        entry(b"i-fifo", FIFO, flags=1, more=varint(9) + varint(78), **common),
        entry(b"j-socket", SOCKET, mode=0o600, **common),
        entry(b"k-\xff\xfe\n", FILE, varint(0), **common),
        entry(b"l-fifo", FIFO, flags=1, more=varint(9) + varint(78), **common)]
    chunks.append(maker.named(DATA, b"end"))
    if ROOT:
        capability = bytes.fromhex("0100000200040000000000000000000000000000")
        access = bytes.fromhex("0200000001000600ffffffff0200060001000000"
                               "04000400ffffffff10000600ffffffff20000400ffffffff")
        entries += [
            entry(b"m-device", CHARACTER, varint(1) + varint(3), mode=0o666, **common),
            entry(b"n-capable", FILE, varint(0), mode=0o755, flags=2, more=many(
                [block(b"security.capability") + block(capability)]), **common),
            entry(b"o-acl", FILE, varint(0), mode=0o664, flags=2, more=many(
                [block(b"system.posix_acl_access") + block(access)]), **common)]
    first = maker.section([], chunks, entries)
    deep = [entry(name, DIRECTORY, mode=0o755, **common) for name in DEEP]
    deep.append(entry(b"bottom", FILE, varint(0), **common))
    deep.append(entry(b"x-last", FILE, varint(0), leave=len(DEEP), **common))
    return [
        first, maker.section([b"data"], [], [entry(b"z", DIRECTORY, mode=0o700, **common)]),
        maker.section([b"data", b"z"], [], deep)]


def run(command, *options, passphrase=PASSPHRASE, user=None):
    environment = dict(os.environ, LC_ALL="C.UTF-8", LANG="C.UTF-8")
    return subprocess.run(
        [*command, "--lang", "en", "--passphrase-file", "-", *options], input=passphrase + b"\n",
        capture_output=True, env=environment, user=user, timeout=300)


@unittest.skipIf(SUITE is None or ZSTD is None, "the writer needs cryptography 48 and libzstd")
class VaultTests(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="rescue-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.path, self.to = os.path.join(self.folder, "vault"), os.path.join(self.folder, "to")
        self.maker = Maker(self.path)

    def restored(self, *options, code=0, command=None, **more):
        shutil.rmtree(self.to, ignore_errors=True)
        result = run(command or interpreters()[0], self.path, "--to", self.to, *options, **more)
        errors = result.stderr.decode()
        self.assertEqual(result.returncode, code, errors)
        self.assertNotIn("Traceback", errors)
        return errors

    def small(self, *entries, named=(), folder=()):
        """A vault with one section of the given entries."""
        self.maker.keyring()
        self.maker.snapshot([self.maker.section(list(folder), named, list(entries))])

    def objects(self, folder):
        return sorted(os.path.join(parent, name) for parent, _, names in os.walk(
            os.path.join(self.path, folder)) for name in names)

    def checked(self):
        """Code and messages of --check, in this process: many of them in a short time."""
        secret = os.path.join(self.folder, "secret")
        with open(secret, "wb") as file:
            file.write(PASSPHRASE)
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors):
            code = rescue.main([self.path, "--check", "--lang", "en", "--passphrase-file", secret])
        return code, errors.getvalue()

    @staticmethod
    def flip(path, offset):
        with open(path, "r+b") as file:
            file.seek(offset)
            byte = file.read(1)[0]
            file.seek(offset)
            file.write(bytes([byte ^ 1]))


class RestoreTests(VaultTests):
    def test_everything_comes_back_with_every_interpreter(self):
        self.maker.keyring()
        self.maker.keyring()
        self.maker.snapshot(rich(self.maker))
        for command in interpreters():
            with self.subTest(command=command):
                self.restored(command=command)
                self.check_rich()
                result = run(command, self.path, "--check", "--list")
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertIn(self.maker.records[1].hex()[:16].encode(), result.stdout)

    def check_rich(self):
        data = os.path.join(self.to, "data").encode()

        def status(name):
            return os.lstat(os.path.join(data, name))

        def content(name):
            with open(os.path.join(data, name), "rb") as file:
                return file.read()

        self.assertEqual(status(b".").st_mode & 0o7777, 0o2550)
        self.assertEqual(status(b".").st_mtime_ns, 1_600_000_000_123_456_789)
        self.assertEqual(content(b"a-group"), b"hello\n")
        self.assertEqual(content(b"b-group"), b"a second file of a group" * 40)
        self.assertEqual(status(b"b-group").st_mtime_ns, -4_000_000_001)
        self.assertEqual(status(b"b-group").st_mode & 0o7777, 0o4711)
        self.assertEqual(content(b"c-big"), BIG[0] + BIG[1])
        self.assertEqual(content(b"d-big"), b"".join(BIG))
        self.assertEqual(status(b"c-big").st_ino, status(b"e-same").st_ino)
        self.assertEqual(status(b"i-fifo").st_ino, status(b"l-fifo").st_ino)
        self.assertEqual(os.getxattr(os.path.join(data, b"c-big"), "user.note"), b"\0\xff")
        self.assertEqual(os.getxattr(os.path.join(data, b"d-big"), "user.long"), b"x" * 2000)
        self.assertEqual(status(b"g-hole").st_size, 2**40)
        self.assertLess(status(b"g-hole").st_blocks * 512, 2**20)
        with open(os.path.join(data, b"g-hole"), "rb") as file:
            file.seek(2**39)
            self.assertEqual(file.read(700_008), BIG[0] + bytes(5) + b"end")
        self.assertEqual(os.readlink(os.path.join(data, b"h-link")), b"/nowhere/\xff")
        self.assertEqual(status(b"h-link").st_mtime_ns, 1_600_000_000_123_456_789)
        self.assertTrue(stat.S_ISFIFO(status(b"i-fifo").st_mode))
        self.assertTrue(stat.S_ISSOCK(status(b"j-socket").st_mode))
        self.assertEqual(status(b"k-\xff\xfe\n").st_size, 0)
        if ROOT:
            self.assertEqual(status(b"h-link").st_uid, 12)
            self.assertEqual(status(b"m-device").st_rdev, os.makedev(1, 3))
            self.assertEqual(len(os.getxattr(os.path.join(data, b"n-capable"),
                                             "security.capability")), 20)
            self.assertEqual(len(os.getxattr(os.path.join(data, b"o-acl"),
                                             "system.posix_acl_access")), 44)
        folder = os.open(os.path.join(data, b"z"), os.O_RDONLY)
        for name in DEEP:
            inner = os.open(name, os.O_RDONLY, dir_fd=folder)
            self.assertEqual(os.fstat(inner).st_mtime_ns, 1_600_000_000_123_456_789)
            os.close(folder)
            folder = inner
        self.assertEqual(os.listdir(folder), ["bottom"])
        os.close(folder)
        self.assertEqual(status(b"z/x-last").st_size, 0)

    def test_only_included_paths_come_back(self):
        self.maker.keyring()
        self.maker.snapshot(rich(self.maker))
        self.restored("--include", "/data/c-big", "/data/z/x-last")
        self.assertEqual(sorted(os.listdir(self.to + "/data")), ["c-big", "z"])
        self.assertEqual(os.listdir(self.to + "/data/z"), ["x-last"])
        self.restored("--include", "/data/none/such", code=0)
        self.restored("--include", "/none", code=3)
        self.restored("--include", "relative", code=2)

    def test_snapshots_are_chosen_by_number_and_hash_not_by_clock(self):
        self.maker.keyring()
        for number in range(3):
            self.maker.added = []
            section = self.maker.section([], [], [entry(b"f%d" % number, FILE, varint(0))])
            root = self.maker.chunk(TREE, many([section]))
            self.maker.pack(TREE)
            kind, roots = (2, []) if number == 1 else (1, [root])
            self.maker.record(roots, kind=kind, base=number, time=100 - number)
        writer = self.maker.writer.hex()
        for name, wanted in [("latest", "f2"), (f"{writer}:3", "f2"), (f"{writer[:4]}:1", "f0"),
                             (self.maker.records[3].hex()[:12], "f2")]:
            self.restored("--snapshot", name)
            self.assertEqual(os.listdir(self.to), [wanted])
        self.restored("--snapshot", f"{writer}:2", code=2)
        self.restored("--snapshot", "abcdef", code=2)

    def test_a_target_that_is_not_empty_needs_overwrite(self):
        self.small(entry(b"a", FILE, varint(0)), entry(b"b", DIRECTORY, mode=0o755),
                   entry(b"c", FILE, varint(0)))
        outside = os.path.join(self.folder, "outside")
        os.makedirs(outside)
        os.makedirs(self.to)
        os.symlink(outside + "/a", self.to + "/a")
        os.symlink(outside, self.to + "/b")
        command = interpreters()[0]
        self.assertEqual(run(command, self.path, "--to", self.to).returncode, 2)
        result = run(command, self.path, "--to", self.to, "--overwrite")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(os.listdir(outside), [])
        self.assertTrue(stat.S_ISDIR(os.lstat(self.to + "/b").st_mode))
        self.assertEqual(os.listdir(self.to + "/b"), ["c"])

    @unittest.skipUnless(ROOT, "needs root to become somebody else")
    def test_without_root_what_is_lost_is_named(self):
        self.maker.keyring()
        self.maker.snapshot(rich(self.maker))
        os.chmod(self.folder, 0o777)
        errors = self.restored(code=3, user=65534, command=interpreters()[-1])
        for text in ["owner 12:34", "m-device", "security.capability", "set-id bits"]:
            self.assertIn(text, errors)
        self.assertNotIn("DAMAGE", errors)
        mode = os.stat(self.to + "/data/b-group").st_mode
        self.assertEqual(mode & 0o7777, 0o711)
        shutil.rmtree(self.to)

    def test_german_is_spoken(self):
        self.small(entry(b"a", FILE, varint(0)))
        result = subprocess.run([sys.executable, RESCUE, "--lang=de", self.path, "--list",
                                 "--passphrase-file", "/dev/null"], capture_output=True)
        self.assertEqual(result.returncode, 2)
        self.assertIn("Die Passphrase".lower(), result.stderr.decode().lower())


class DamageTests(VaultTests):
    def setUp(self):
        super().setUp()
        self.maker.keyring()
        for number in range(2):
            self.maker.added = []
            chunk = self.maker.named(DATA, b"content %d" % number)
            entries = [entry(b"file", FILE, whole(9, 0)), entry(b"zero", FILE, varint(0))]
            self.maker.snapshot([self.maker.section([], [chunk], entries)], base=number)
        self.maker.keyring()

    def test_a_wrong_passphrase_is_wrong_use(self):
        self.assertIn("passphrase is wrong", self.restored(code=2, passphrase=b"cheese"))

    def test_another_root_is_refused(self):
        self.restored("--root-fingerprint", self.maker.root.hex())
        self.assertIn("another root", self.restored("--root-fingerprint", "00" * 32, code=1))

    def test_any_flipped_byte_is_named(self):
        checked = 0
        for path in self.objects(""):
            size, name = os.path.getsize(path), os.path.relpath(path, self.path)
            for offset in {0, 5, 6, 8, 44, 50, 80, 112, 1000, size // 2, max(size - 4000, 0),
                           size - 1}:
                with self.subTest(name=name, offset=offset):
                    self.flip(path, offset)
                    code, errors = self.checked()
                    self.assertEqual(code, 1, errors)
                    self.assertIn(name[:40], errors)
                    self.flip(path, offset)
                    checked += 1
        self.assertGreater(checked, 60)

    def test_truncated_and_missing_objects_are_named_and_the_rest_comes_back(self):
        for path in self.objects(""):
            name = os.path.relpath(path, self.path)
            with open(path, "rb") as file:
                data = file.read()
            for cut in [None, 0, 3, 100, len(data) // 2, len(data) - 1]:
                with self.subTest(name=name, cut=cut):
                    os.unlink(path)
                    if cut is not None:
                        with open(path, "wb") as file:
                            file.write(data[:cut])
                    code, errors = self.checked()
                    # Nothing but a later record could show that the last record is missing.
                    last = cut is None and name.startswith("records") and name.endswith("2")
                    self.assertEqual(code, 0 if last else 1, errors)
                    if not last:
                        self.assertIn(name[:40], errors)
                    with open(path, "wb") as file:
                        file.write(data)

    def test_a_lost_data_pack_costs_only_its_content(self):
        for path in self.objects("packs"):
            with open(path, "rb") as file:
                if file.read(7)[6] == DATA:
                    self.flip(path, 113 + 1184 + 4096)
        errors = self.restored(code=1)
        self.assertIn("/file: incomplete", errors)
        self.assertEqual(os.path.getsize(self.to + "/file"), 9)
        self.assertTrue(os.path.exists(self.to + "/zero"))

    def test_a_lost_base_record_costs_nothing_but_a_warning(self):
        os.unlink(self.objects("records")[0])
        errors = self.restored(code=1)
        self.assertIn("000000000001: is missing", errors)
        with open(self.to + "/file", "rb") as file:
            self.assertEqual(file.read(), b"content 1")

    def test_a_newer_version_says_so(self):
        self.maker.record([], version=2)
        self.assertIn("newer format 2", self.restored(code=1))
        self.maker.keyring(version=2)
        self.assertIn("keyring/00000003: has the newer format", self.restored(code=1))

    def test_records_after_retirement_are_ignored(self):
        self.maker.keyring(retired=(1, self.maker.records[1]))
        self.restored()
        with open(self.to + "/file", "rb") as file:
            self.assertEqual(file.read(), b"content 0")
        self.maker.keyring(retired=(1, b"?" * 32))
        self.assertIn("is not the last one", self.restored(code=1))

    def test_a_content_key_without_commitment_is_refused(self):
        self.maker.added = []
        root = self.maker.chunk(TREE, many([]))
        self.maker.pack(TREE, commitment_of=b"another")
        self.maker.record([root], base=2)
        self.assertIn("commits", self.restored(code=1))

    def test_strangers_are_mentioned_and_orphans_ignored(self):
        self.maker.put("stranger", b"")
        self.maker.put("records/readme", b"")
        self.maker.put(".tmp/half", b"")
        self.maker.put(f"packs/00/{'00' * 32}", b"half")
        self.assertIn("records/readme", self.restored())

    def test_companions_are_checked(self):
        name = block(b"README.txt") + varint(5) + sha(b"hello")
        self.maker.put("README.txt", b"hello")
        self.maker.keyring(companions=[name])
        self.assertEqual(run(interpreters()[0], self.path, "--check").returncode, 0)
        self.maker.put("README.txt", b"hullo")
        self.assertIn(b"README.txt", run(interpreters()[0], self.path, "--check").stderr)

    def check(self, code):
        found, errors = self.checked()
        self.assertEqual(found, code, errors)
        return errors

    def test_invitations_are_checked_and_do_not_hinder(self):
        objects = self.maker.invitation()
        self.maker.put("invitations/readme", b"")
        self.check(0)
        for name, data in objects.items():
            for place in (5, 10, 30, 50, 75, len(data) - 1):
                changed = bytearray(data)
                changed[place] ^= 1
                self.maker.put(name, changed)
                self.assertIn(name, self.check(1))
            for changed in (data[:-1], data + b"\0", b"", bytes(70_000)):
                self.maker.put(name, changed)
                self.assertIn(name, self.check(1))
                self.restored()  # what is damaged there takes nothing from the data
            self.maker.put(name, data)
        moved = b"m" * 16
        for name, data in objects.items():
            self.maker.put(name.split("/")[0] + "/" + moved.hex(), data)
        self.assertEqual(self.check(1).count(moved.hex()), 2)

    def test_a_claim_with_an_endless_host_is_refused(self):
        self.maker.invitation(host=b"x" * 255)
        self.check(0)
        self.maker.invitation(host=b"x" * 256)
        self.assertIn("claims/", self.check(1))


class HostileTests(VaultTests):
    def refused(self, text, *entries, folder=(), named=()):
        self.small(*entries, folder=folder, named=named)
        errors = self.restored(code=1)
        self.assertIn(text, errors)
        return errors

    def test_names_that_lead_elsewhere_are_refused(self):
        for name in [b"..", b".", b"a/b", b"a\0b", b"", b"x" * 256]:
            with self.subTest(name=name):
                shutil.rmtree(self.path, ignore_errors=True)
                self.maker = Maker(self.path)
                self.refused("forbidden name", entry(b"a", FILE, varint(0)),
                             entry(name, FILE, varint(0)))
                self.assertEqual(os.listdir(self.to), ["a"])

    def test_nothing_is_written_through_a_link_of_the_snapshot(self):
        outside = os.path.join(self.folder, "outside")
        os.makedirs(outside)
        link = self.maker.section([], [], [entry(b"a", LINK, block(outside.encode()))])
        inside = self.maker.section([b"a"], [], [entry(b"b", FILE, varint(0))])
        self.maker.keyring()
        self.maker.snapshot([link, inside])
        self.assertIn("lies in what is no directory", self.restored(code=1))
        self.assertEqual(os.listdir(outside), [])

    def test_a_link_in_the_target_is_not_followed_for_missing_directories(self):
        outside = os.path.join(self.folder, "outside")
        os.makedirs(outside)
        os.makedirs(self.to)
        os.symlink(outside, self.to + "/a")
        self.small(entry(b"b", FILE, varint(0)), folder=[b"a"])
        result = run(interpreters()[0], self.path, "--to", self.to, "--overwrite")
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertEqual(os.listdir(outside), [])

    def test_entries_out_of_order_are_refused(self):
        self.refused("out of order", entry(b"b", FILE, varint(0)), entry(b"a", FILE, varint(0)))

    def test_leaving_more_directories_than_there_are_is_refused(self):
        self.refused("leaves more", entry(b"a", FILE, varint(0)),
                     entry(b"b", FILE, varint(0), leave=1))

    def test_counts_beyond_the_bytes_are_refused(self):
        self.refused("a list is longer", entry(b"a", FILE, varint(9) + b"\1" + varint(2**60)))

    def test_content_of_another_length_is_refused(self):
        named = [self.maker.named(DATA, b"12345")]
        self.refused("another length", entry(b"a", FILE, whole(6, 0)), named=named)

    def test_a_group_beyond_its_chunk_is_refused(self):
        named = [self.maker.named(DATA, b"12345")]
        self.refused("another length", entry(
            b"a", FILE, varint(3) + b"\0" + varint(0) + varint(3)), named=named)

    def test_a_wrong_plain_length_is_refused(self):
        named = [self.maker.chunk(DATA, b"12345") + varint(6)]
        self.refused("another length", entry(b"a", FILE, whole(6, 0)), named=named)

    def test_data_beyond_the_size_is_refused(self):
        named = [self.maker.named(DATA, b"12345")]
        regions = many([varint(2) + varint(5)])
        self.refused("beyond its size", entry(b"a", FILE, varint(6) + regions + b"\1" + many(
            [varint(0)]), flags=8), named=named)

    def test_unknown_flags_and_kinds_are_refused(self):
        self.refused("malformed entry", entry(b"a", FILE, varint(0), flags=32))
        self.maker = Maker(self.path)
        shutil.rmtree(self.path)
        self.refused("malformed entry", entry(b"a", 7))

    def test_a_decompression_bomb_ends_at_its_plain_length(self):
        bomb = compress(bytes(1_000_000))
        digest = self.maker.chunk(DATA, b"1")
        self.maker.waiting[DATA] = [(digest, bomb, 1, 1000)]
        named = [digest + varint(1000)]
        for command in interpreters():
            self.maker.waiting[DATA] = [(digest, bomb, 1, 1000)]
            shutil.rmtree(self.path, ignore_errors=True)
            self.maker.__init__(self.path)
            self.maker.waiting[DATA] = [(digest, bomb, 1, 1000)]
            self.small(entry(b"a", FILE, whole(1000, 0)), named=named)
            self.assertIn("does not decompress", self.restored(code=1, command=command))

    def test_a_chunk_under_another_id_is_refused(self):
        self.maker.waiting[DATA] = [(b"i" * 32, b"12345", 0, 5)]
        self.refused("is not the chunk", entry(b"a", FILE, whole(5, 0)),
                     named=[b"i" * 32 + varint(5)])

    def test_terminal_commands_in_names_are_not_printed(self):
        errors = self.refused("\\x1b[2J", entry(b"a\x1b[2J", FILE, whole(5, 0)),
                              named=[b"i" * 32 + varint(5)])
        self.assertNotIn("\x1b[2J", errors)


LOG = hashlib.shake_128(b"the log").digest(3 * SEGMENT)
LOG_START = 5 * SEGMENT


class UnitTests(VaultTests):
    """A PostgreSQL base, a range and units; the log begins 1,000 bytes into a segment."""

    def setUp(self):
        super().setUp()
        self.maker.keyring()
        self.unit_folder = f"units/{self.maker.writer.hex()}"

    def base(self, start=1000, end=2000):
        tree = [entry(b"pgdata", DIRECTORY, mode=0o700), entry(b"PG_VERSION", FILE, whole(3, 0))]
        self.maker.snapshot(
            [self.maker.section([], [self.maker.named(DATA, b"15\n")], tree)], extensions=[
                varint(1) + b"\0" + block(b"\4"),
                varint(2) + b"\0" + block(span(LOG_START + start, LOG_START + end))])

    def range(self, start, end, supersedes=(), history=None, timeline=1):
        folder = b"%08x" % timeline
        tree = [entry(b"wal", DIRECTORY, mode=0o700)]
        chunks = [self.maker.named(DATA, LOG[start:end])]
        tree += [entry(folder, DIRECTORY, mode=0o700),
                 entry(b"%016x" % (LOG_START + start), FILE, whole(end - start, 0))]
        if history:
            chunks.append(self.maker.named(DATA, history))
            tree.append(entry(b"00000002.history", FILE, whole(len(history), 1), leave=1))
        self.maker.snapshot([self.maker.section([], chunks, tree)], kind=3, extensions=[
            varint(1) + b"\0" + block(b"\5"),
            varint(2) + b"\0" + block(span(LOG_START + start, LOG_START + end)),
            varint(3) + b"\0" + block(many(varint(s) + varint(first) + varint(last)
                                          for s, first, last in supersedes))])

    def units(self, session, borders, first=0, **more):
        previous = bytes(32)
        for number, (start, end) in enumerate(zip(borders, borders[1:])):
            previous = self.maker.unit(session, first + number, LOG[start:end], LOG_START + start,
                                       previous, **more)

    def log(self, timeline=1):
        """What was restored of the log, from LOG_START on."""
        folder, result = os.path.join(self.to, "pg_wal"), b""
        for name in sorted(name for name in os.listdir(folder)
                           if name.startswith(f"{timeline:08X}") and len(name) == 24):
            self.assertEqual(name, f"{timeline:08X}{0:08X}{5 + len(result) // SEGMENT:08X}")
            with open(os.path.join(folder, name), "rb") as file:
                result += file.read()
        self.assertEqual(len(result) % SEGMENT, 0)
        return result

    def checked_log(self, start, end, timeline=1):
        log = self.log(timeline)
        self.assertEqual(log[start:end], LOG[start:end])
        self.assertFalse(any(log[:start]) or any(log[end:]))

    def test_range_and_units_become_segments_with_every_interpreter(self):
        self.base()
        self.units(1, [1000, 50_000])
        self.range(1000, 600_000, [(1, 0, 0)], history=b"1\t0/5\tno reason\n")
        os.unlink(self.objects("units")[0])
        # One session overlaps the range, the next begins where it ended.
        self.units(2, [500_000, 600_500, 600_501, SEGMENT + 7])
        self.units(3, [SEGMENT + 7, SEGMENT + 7, 2 * SEGMENT + 100])
        for command in interpreters():
            self.restored(command=command)
            self.checked_log(1000, 2 * SEGMENT + 100)
            with open(self.to + "/pg_wal/00000002.history", "rb") as file:
                self.assertEqual(file.read(), b"1\t0/5\tno reason\n")
            with open(self.to + "/START-POSTGRESQL.txt", encoding="utf-8") as file:
                text = file.read()
            for said in ["recovery.signal", "restore_command", self.to, "0/700064", "anlegen"]:
                self.assertIn(said, text)
            self.assertEqual(
                run(command, self.path, "--check").stderr.count(b"5 units checked"), 1)
        self.assertIn(b"1 snapshots", run(interpreters()[0], self.path, "--check", "--snapshot",
                                          "latest").stderr)

    def test_a_gap_in_the_log_is_named_and_ends_it(self):
        self.base()
        self.units(1, [1000, 50_000])
        self.units(2, [60_000, 70_000])
        errors = self.restored(code=3)
        self.assertIn("gap from 0/50C350 to 0/50EA60", errors)
        self.checked_log(1000, 50_000)

    def test_a_base_without_the_log_it_needs_is_named(self):
        self.base(end=5000)
        self.units(1, [1000, 4000])
        self.assertIn("needs to become consistent ends at 0/500FA0", self.restored(code=1))
        self.checked_log(1000, 4000)

    def test_a_new_timeline_begins_with_the_bytes_of_the_older(self):
        self.base()
        self.units(1, [1000, 300_000])
        self.units(2, [200_000, 400_000], timeline=2)
        self.restored()
        self.checked_log(1000, 300_000)
        self.checked_log(1000, 400_000, timeline=2)

    def test_the_log_is_not_written_through_a_link_of_the_snapshot(self):
        for name in (b"pg_wal", b"START-POSTGRESQL.txt"):
            elsewhere = os.path.join(self.folder, "elsewhere")
            os.makedirs(elsewhere, exist_ok=True)
            tree = [entry(name, LINK, block(elsewhere.encode()), mode=0o777)]
            self.maker.snapshot([self.maker.section([], [], tree)], extensions=[
                varint(1) + b"\0" + block(b"\4"),
                varint(2) + b"\0" + block(span(LOG_START, LOG_START))])
            self.maker.unit(len(self.maker.records), 0, LOG[:100], LOG_START)
            self.assertNotEqual(run(interpreters()[0], self.path, "--to", self.to).returncode, 0)
            self.assertEqual(os.listdir(elsewhere), [])
            shutil.rmtree(self.to)

    def test_other_data_sets_and_systems_stay_out(self):
        self.base()
        self.units(1, [1000, 3000])
        self.units(2, [3000, 4000], data_set=b"other")
        self.maker.unit(3, 0, LOG[3000:4000], LOG_START + 3000, facts_plain=block(b"home") + b"\1"
                        + span(LOG_START + 3000, LOG_START + 4000, system=78) + many([]))
        self.restored()
        self.checked_log(1000, 3000)

    def test_any_flipped_byte_of_a_unit_is_named(self):
        self.base()
        self.units(1, [1000, 1500, 2500, 3000])
        name = self.objects("units")[1]
        with open(name, "rb") as file:
            whole_unit = file.read()
        for offset in [*range(0, 130, 9), *range(130, len(whole_unit), 211), len(whole_unit) - 1]:
            self.flip(name, offset)
            code, errors = self.checked()
            self.assertEqual(code, 1, offset)
            self.assertIn("000000000001-000001", errors)
            self.assertEqual(errors.count("DAMAGE"), 1, errors)
            self.flip(name, offset)
        self.assertEqual(self.checked()[0], 0)

    def test_missing_units_and_sessions_are_named_unless_superseded(self):
        self.base()
        for session in (1, 2, 3):
            self.units(session, [1000, 1500, 2500, 3000])
        names = self.objects("units")
        os.rename(names[4], names[4] + "-away")
        self.assertIn("000000000002-000001: is missing", self.checked()[1])
        for name in (names[3], names[4] + "-away", names[5]):
            os.unlink(name)
        self.assertIn("000000000002-000000: is missing", self.checked()[1])
        self.range(1000, 3000, [(2, 0, 2), (1, 1, 1)])
        os.unlink(names[1])
        self.assertEqual(self.checked()[0], 0)

    def test_units_replaced_by_others_are_named(self):
        self.base()
        self.units(1, [1000, 1500, 2500])
        self.units(2, [2500, 2600, 2700])
        names = self.objects("units")
        for other in (names[0], names[3]):
            shutil.copy(names[1], names[1] + ".kept")
            shutil.copy(other, names[1])
            self.assertIn("000000000001-000001: ", self.checked()[1])
            os.replace(names[1] + ".kept", names[1])
        self.maker.unit(1, 2, b"x", LOG_START + 2500, previous=b"?" * 32)
        self.assertIn("000000000001-000002: does not follow", self.checked()[1])

    def test_a_range_does_not_supersede_a_later_session(self):
        self.base()
        self.range(1000, 3000, [(1, 0, 5)])
        self.units(1, [3000, 4000])
        self.restored()
        self.checked_log(1000, 4000)

    def test_sessions_must_stand_on_an_accepted_record(self):
        self.base()
        self.units(1, [1000, 2500])
        self.base()
        self.units(2, [2500, 2600])
        self.units(3, [2600, 2700], stands=(1, b"?" * 32))
        self.assertIn("stands on another record 1", self.checked()[1])
        os.unlink(self.objects("units")[2])
        os.rename(self.path + f"/records/{self.maker.writer.hex()}/000000000002",
                  self.path + "/away")
        self.assertIn("000000000002: is missing", self.checked()[1])
        self.maker.keyring(retired=(1, self.maker.records[1]))
        self.assertEqual(self.checked()[0], 0)
        self.restored()
        self.checked_log(1000, 2500)

    def test_units_count_up_to_where_a_promotion_has_cut_their_writer(self):
        def promoted(sessions, kind=b"\1", term=1):
            return u32(term) + block(b"0badcafe") + kind + many([self.maker.writer + many(
                [u64(session) + u32(last) for session, last in sessions])])

        self.base()
        self.units(1, [1000, 1500, 2000, 2500])
        self.units(2, [2500, 3000])
        retired = (1, self.maker.records[1])
        self.maker.keyring(retired=retired, promotion=promoted([(1, 1)]))
        self.assertEqual(self.checked()[0], 0)
        self.restored()
        self.checked_log(1000, 2000)
        for wrong in [promoted([], b"\4"), promoted([], term=0), promoted([])[:-1], promoted([]) + b"\0"]:
            self.maker.keyring(retired=retired, promotion=wrong)
            self.assertNotEqual(self.checked()[0], 0)

    def test_what_a_steward_let_go_is_passed_over(self):
        for content in (b"one", b"two", b"three"):
            self.maker.added = []
            self.maker.snapshot([self.maker.section(
                [], [self.maker.named(DATA, content)], [entry(b"file", FILE, whole(len(content), 0))])])
        # The packs of the first two are gone.
        lost = self.maker.records[1:3]
        keep = {name.hex() for name, _ in self.maker.added}
        for path in self.objects("packs"):
            if os.path.basename(path) not in keep:
                os.unlink(path)
        self.assertNotEqual(self.checked()[0], 0)
        self.maker.keyring(stewards=[self.maker.steward()])
        data = self.maker.statement(1, [(1, 1)])
        self.assertEqual(self.checked()[0], 0)
        self.restored()
        listed = run(interpreters()[0], self.path, "--list").stdout.decode()
        self.assertIn(self.maker.records[3].hex()[:16], listed)
        self.assertFalse(any(gone.hex()[:16] in listed for gone in lost))
        self.assertIn("let go", self.restored("--snapshot", lost[0].hex()[:16], code=1))
        # One that cannot be read, or that nobody might say, hides nothing.
        for place in (8, 30, 70, len(data) // 2, len(data) - 1):
            self.maker.statement(2, [(1, 2)])
            self.flip(os.path.join(self.path, f"statements/{2:012}"), place)
            self.assertNotEqual(self.checked()[0], 0)
            self.restored(code=1)
        self.maker.statement(2, [(1, 2)], steward=b"x" * 16)
        self.assertNotEqual(self.checked()[0], 0)
        self.maker.statement(2, [(1, 2)])
        self.maker.keyring(stewards=[self.maker.steward(last=1)])
        self.assertEqual(self.checked()[0], 0)
        self.restored()

    def test_hostile_units_are_refused(self):
        self.base()
        facts = block(b"home") + b"\1" + span(LOG_START, LOG_START + 3)
        for more, said in [
                ({"key_number": 1}, "commits to"),
                ({"way": 1}, "does not decompress"),
                ({"way": 2}, "malformed content"),
                ({"facts_plain": facts.replace(b"\1", b"\2", 1) + many([])}, "unknown kind 2"),
                ({"facts_plain": facts + many([varint(9) + b"\1" + block(b"")])}, "extension 9"),
                ({"facts_plain": block(b"home") + b"\1" + span(5, 4) + many([])}, "malformed span"),
                ({"facts_plain": block(b"home") + b"\1" + span(0, 2) + many([])},
                 "malformed content"),
                ({"facts_plain": block(b"home") + b"\1" + span(0, 2**40) + many([])},
                 "malformed facts")]:
            self.maker.unit(1, 0, b"abc", LOG_START, **more)
            code, errors = self.checked()
            self.assertEqual(code, 1)
            self.assertIn(said, errors)
            self.assertNotIn("Traceback", errors)

    def test_extensions_of_records_are_held_to_their_shapes(self):
        for kind, extensions, said in [
                (1, [varint(1) + b"\0" + block(b"\7")], "unknown source 7"),
                (1, [varint(3) + b"\0" + block(many([]))], "malformed extension"),
                (3, [varint(3) + b"\0" + block(many([b"\1\2\1"]))], "span of units"),
                (1, 2 * [varint(1) + b"\0" + block(b"\1")], "malformed extension"),
                (1, [varint(4) + b"\1" + block(b"")], "needs extension 4"),
                (4, [], "unknown kind")]:
            self.maker.record([], kind=kind, extensions=extensions)
            self.assertIn(said, self.checked()[1])
            os.unlink(self.objects("records")[-1])
            self.maker.records.pop()


@unittest.skipIf(SUITE is None, "compares with cryptography 48")
class AlgorithmTests(unittest.TestCase):
    def test_plain_ml_kem_agrees_with_the_package(self):
        for number in range(20):
            seed = hashlib.shake_256(bytes([number])).digest(64)
            theirs = mlkem.MLKEM768PrivateKey.from_seed_bytes(seed)
            ours = rescue.MLKEM768(seed)
            self.assertEqual(ours.public, theirs.public_key().public_bytes_raw())
            secret, sealed = theirs.public_key().encapsulate()
            self.assertEqual(ours.decapsulate(sealed), secret)
            broken = bytes([sealed[0] ^ 1]) + sealed[1:]
            self.assertEqual(ours.decapsulate(broken), theirs.decapsulate(broken))

    def test_plain_ml_dsa_agrees_with_the_package(self):
        for number in range(20):
            key = mldsa.MLDSA65PrivateKey.from_seed_bytes(bytes([number]) * 32)
            public, message = key.public_key().public_bytes_raw(), os.urandom(number * 100)
            signature = key.sign(message)
            self.assertTrue(rescue.mldsa65_ok(public, message, signature))
            self.assertFalse(rescue.mldsa65_ok(public, message + b"x", signature))
            for place in [0, 48, 2000, 3248, 3303, 3308]:
                broken = bytearray(signature)
                broken[place] ^= 1
                self.assertFalse(rescue.mldsa65_ok(public, message, bytes(broken)))

    def test_x_wing_and_hpke_agree_with_the_package(self):
        for plain in [True, False]:
            rescue.choose_crypto(plain)
            key = Key(os.urandom(32))
            message = key.seal(b"hello", b"info")
            ours = rescue.XWing(key.seed)
            self.assertEqual(ours.public, key.public)
            self.assertEqual(ours.open(message, b"info", "test"), b"hello")
            with self.assertRaises(rescue.Damage):
                ours.open(message, b"other", "test")

    def test_ed25519_agrees_with_the_package(self):
        key = ed25519.Ed25519PrivateKey.generate()
        public, signature = key.public_key().public_bytes_raw(), key.sign(b"message")
        for plain in [True, False]:
            rescue.choose_crypto(plain)
            self.assertTrue(rescue.crypto.ed25519_ok(public, b"message", signature))
            self.assertFalse(rescue.crypto.ed25519_ok(public, b"massage", signature))


class ShapeTests(unittest.TestCase):
    def test_varints_have_one_form_only(self):
        for value in [0, 1, 127, 128, 2**32, 2**64 - 1]:
            self.assertEqual(rescue.Reader(varint(value), "x").varint(), value)
        for data in [b"\x80\x00", b"\x80", b"\xff" * 9 + b"\x02", b"\xff" * 10 + b"\x01", b""]:
            with self.assertRaises(rescue.Damage):
                rescue.Reader(data, "x").varint()

    def test_signed_numbers_come_back(self):
        for value in [0, -1, 1, 2**63 - 1, -2**63]:
            self.assertEqual(rescue.Reader(signed(value), "x").signed(), value)

    def test_padme_costs_at_most_an_eighth(self):
        for length in [2, 9, 65536, 65537, 12_345_678, 2**26]:
            padded = rescue.padme(length)
            self.assertTrue(length <= padded <= length * 9 // 8 + 1)
            self.assertEqual(rescue.padme(padded), padded)
        self.assertEqual(rescue.padme(9), 10)

    def test_the_vectors_of_the_format_hold(self):
        path = os.path.join(os.path.dirname(RESCUE), "..", "docs", "format-vectors.json")
        if not os.path.exists(path):
            self.skipTest("there are no vectors yet")
        with contextlib.redirect_stdout(io.StringIO()) as output:
            code = rescue.self_test(path)
        self.assertEqual(code, 0, output.getvalue())

    def test_a_self_test_with_wrong_vectors_fails(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "vectors.json")
            with open(path, "w", encoding="ascii") as file:
                json.dump({"varint": [{"value": "300", "bytes": "ac03"}]}, file)
            with contextlib.redirect_stdout(io.StringIO()):
                self.assertEqual(rescue.self_test(path), 1)

    def test_cutting_keeps_its_limits(self):
        data = hashlib.shake_128(b"cuts").digest(3_000_000)
        lengths = rescue.cut(data, b"g" * 32)
        self.assertEqual(sum(lengths), len(data))
        self.assertTrue(all(128 * 1024 < length <= 2**21 for length in lengths[:-1]))


if __name__ == "__main__":
    unittest.main()
