#!/usr/bin/env python3
# SPDX-License-Identifier: EUPL-1.2
"""rescue.py: the second, independent reader of a Zwilling vault.

It was written from docs/format.md alone ("the page"; § refers to its sections) and shares no code
with the program that writes vaults. It needs Python 3.11 or newer and either the package
`cryptography` or the library libcrypto (OpenSSL 3), and for zstd the library libzstd; all are
on every Debian. What `cryptography` lacks or `--plain` forbids is done here in plain Python.

It never writes to the vault, and verifies everything the page lets a reader verify: with damage
it names the object and goes on, because whoever needs this program wants all that is left.

    python3 rescue.py VAULT --list --passphrase-file F
    python3 rescue.py VAULT --to DIR --passphrase-file F [--snapshot WRITER:SEQ] [--include PATH]
    python3 rescue.py VAULT --check --passphrase-file F

Beside a snapshot of PostgreSQL, --to also puts the log that came after it and an explanation.

Exit: 0 all is well, 1 damage, 2 wrong use (also a wrong passphrase), 3 something could not be
restored as it was (an owner without root, say). Every such thing is named on stderr.
"""

import argparse
import ctypes
import ctypes.util
import errno
import getpass
import hashlib
import hmac
import json
import os
import re
import sqlite3
import stat
import sys
import time
from collections import OrderedDict
from dataclasses import dataclass

VERSION = 1
KIB, MIB = 1024, 1024 * 1024
DATA_MAX, TREE_MAX = 2 * MIB, 16 * MIB  # plain bytes of a chunk, § 2
PACK_MIN, PACK_MAX, KEYRING_MAX, RECORD_MAX = 64 * KIB, 64 * MIB, 16 * MIB, 16 * MIB
COMPANION_MAX, INVITATION_MAX = 256 * MIB, 64 * KIB
UNIT_MIN, UNIT_MAX, UNIT_PLAIN_MAX, SESSION_UNITS = 4096, 20 * MIB, 16 * MIB, 9000  # § 10
PACK_CHUNKS_MAX = 4096
SCRYPT_BYTES_MAX, SCRYPT_P_MAX = 1024 * MIB, 16  # the page names no limit; Python's is 2 GiB
SEALED_KEY = 1120 + 32 + 16  # an HPKE message that holds a key
DATA, TREE = 1, 2  # kinds of packs
SNAPSHOT, CHECKPOINT, RANGE = 1, 2, 3  # kinds of records
ACTS = {"drills", "activations"}  # data sets that are no part of the twin
POSTGRES_BASE = 4  # kind of a data set
FILE, DIRECTORY, LINK, FIFO, SOCKET, CHARACTER, BLOCK = range(7)  # kinds of entries

language = "en"


def words(en, de):
    return de if language == "de" else en


def shown(name):
    """Bytes of a name for a terminal: nothing in a hostile name may reach it as a command."""
    text = name.decode("utf-8", "backslashreplace") if isinstance(name, bytes) else name
    return "".join(c if c.isprintable() else "".join(f"\\x{b:02x}" for b in c.encode())
                   for c in text)


def shown_path(path):
    return "/" + shown(b"/".join(path))


class Damage(Exception):
    """An object of the vault is missing, changed or not as the page says."""

    def __init__(self, name, en, de):
        super().__init__(f"{shown(name)}: {words(en, de)}")


class WrongUse(Exception):
    """The person, not the vault, has to change something."""


class Stop(Exception):
    """Nothing more can be done, for instance because the target is full; exit code 3."""


class Journal:
    """Says on stderr what is wrong, as it is found, and remembers how often."""

    LINES_MAX = 200  # of one category of losses: a million owners need not be a million lines

    def __init__(self):
        self.damages, self.losses, self.said = 0, {}, set()
        self.terminal, self.drawn, self.next_time = sys.stderr.isatty(), False, 0.0

    def line(self, text):
        if self.drawn:
            sys.stderr.write("\r\x1b[K")
            self.drawn = False
        print(text, file=sys.stderr)

    def damage(self, problem):
        text = str(problem)
        if text in self.said:
            return
        if len(self.said) < 100_000:
            self.said.add(text)
        self.damages += 1
        self.line(words("DAMAGE ", "SCHADEN ") + text)

    def loss(self, category, text):
        count = self.losses[category] = self.losses.get(category, 0) + 1
        if count <= self.LINES_MAX:
            self.line(words("NOT RESTORED ", "NICHT WIEDERHERGESTELLT ") + text)

    def note(self, text):
        self.line(words("note: ", "Hinweis: ") + text)

    def progress(self, text):
        if self.terminal and time.monotonic() > self.next_time:
            self.next_time = time.monotonic() + 0.2
            sys.stderr.write("\r\x1b[K" + text)
            sys.stderr.flush()
            self.drawn = True

    def end(self):
        for category, count in sorted(self.losses.items()):
            if count > self.LINES_MAX:
                self.line(words(f"{category}: {count} in all, not each is shown",
                                f"{category}: {count} insgesamt, nicht alle gezeigt"))
        if self.damages:
            self.line(words(f"{self.damages} damages, named above.",
                            f"{self.damages} Schäden, oben genannt."))
            return 1
        return 3 if self.losses else 0


# ---------------------------------------------------------------------------------------------
# Shapes (§ 2)


@dataclass
class Span:
    """A stretch of PostgreSQL's write-ahead log."""
    system: int
    timeline: int
    start: int
    end: int
    segment: int
    time: tuple


class Reader:
    """Reads the shapes of § 2 from bytes; whatever does not fit is Damage of the object `name`."""

    def __init__(self, data, name, at=0):
        self.data, self.name, self.at = data, name, at

    def fail(self, en, de):
        raise Damage(self.name, en, de)

    def left(self):
        return len(self.data) - self.at

    def raw(self, count):
        if count > self.left():
            self.fail("ends too early", "endet zu früh")
        self.at += count
        return bytes(self.data[self.at - count:self.at])

    def u8(self):
        return self.raw(1)[0]

    def u32(self):
        return int.from_bytes(self.raw(4), "little")

    def u64(self):
        return int.from_bytes(self.raw(8), "little")

    def varint(self):
        value = shift = 0
        while True:
            byte = self.u8()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if shift > 63:
                self.fail("varint too long", "varint zu lang")
        if value >> 64 or (byte == 0 and shift):
            self.fail("varint not in shortest form", "varint nicht in kürzester Form")
        return value

    def signed(self):
        value = self.varint()
        return (value >> 1) ^ -(value & 1)

    def block(self):
        return self.raw(self.varint())

    def text(self):
        try:
            return self.block().decode("utf-8")
        except UnicodeDecodeError:
            self.fail("text is not UTF-8", "Text ist kein UTF-8")

    def many(self, smallest):
        """The indices of a list whose items have at least `smallest` bytes each."""
        count = self.varint()
        if count * smallest > self.left():
            self.fail("a list is longer than the object", "eine Liste ist länger als das Objekt")
        return range(count)

    def time(self):
        seconds, nanoseconds = self.signed(), self.u32()
        if nanoseconds > 999_999_999:
            self.fail("nanoseconds out of range", "Nanosekunden außerhalb des Bereichs")
        return seconds, nanoseconds

    def extensions(self, needless=(), known=()):
        """The content of those that are known, by tag."""
        found = {}
        for _ in self.many(3):
            tag, critical, content = self.varint(), self.u8(), self.block()
            if tag in needless:
                continue
            if tag in known:
                if tag in found:
                    self.fail("malformed extension", "ungültige Erweiterung")
                found[tag] = content
                continue
            if critical > 1:
                self.fail("malformed extension", "ungültige Erweiterung")
            if critical:
                self.fail(f"needs extension {tag}, get a newer rescue.py",
                          f"braucht Erweiterung {tag}, neueres rescue.py besorgen")
        return found

    def span(self):
        span = Span(self.u64(), self.u32(), self.u64(), self.u64(), self.u32(), self.time())
        if (span.timeline == 0 or span.end < span.start or span.segment & (span.segment - 1)
                or not MIB <= span.segment <= 1024 * MIB):
            self.fail("malformed span of a log", "ungültiger Abschnitt eines Protokolls")
        return span

    def head(self, kind):
        """Kind and version, the first six bytes of every object except companions."""
        if self.raw(5) != b"ZWLG" + kind:
            self.fail("is not such an object", "ist kein solches Objekt")
        version = self.u8()
        if version > VERSION:
            self.fail(f"has the newer format {version}, get a newer rescue.py",
                      f"hat das neuere Format {version}, neueres rescue.py besorgen")
        if version != VERSION:
            self.fail("has no valid version", "hat keine gültige Version")

    def expect(self, value, en, de):
        if self.raw(len(value)) != value:
            self.fail("wrong " + en, "falsch: " + de)

    def end(self):
        if self.left():
            self.fail("has bytes left over", "hat überzählige Bytes")


# ---------------------------------------------------------------------------------------------
# Algorithms (§ 3): hashes and derivations


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def hmac256(key, data):
    return hmac.digest(key, data, "sha256")


def hkdf_expand(key, info, length):
    output = block = b""
    while len(output) < length:
        block = hmac256(key, block + info + bytes([len(output) // 32 + 1]))
        output += block
    return output[:length]


def derive(secret, label, context=b""):
    return hkdf_expand(hmac256(bytes(32), secret), label + b"\0" + context, 32)


def nonce(number):
    return bytes(4) + number.to_bytes(8, "big")


def padme(length):
    exponent = length.bit_length() - 1
    mask = (1 << (exponent - exponent.bit_length())) - 1
    return (length + mask) & ~mask


def fingerprint(public):
    return sha256(public)[:16]


# ---------------------------------------------------------------------------------------------
# Algorithms: AES-256-GCM, X25519 and Ed25519 from libcrypto, or all that `cryptography` has


class BadTag(Exception):
    """The key is wrong or the sealed bytes have changed."""


class LibCrypto:
    """AES-256-GCM, X25519, Ed25519 through the EVP functions of OpenSSL's libcrypto."""

    X25519, ED25519, SET_TAG = 1034, 1087, 0x11  # numbers from OpenSSL's headers

    def __init__(self):
        found = ctypes.util.find_library("crypto")
        for name in ["libcrypto.so.3", "libcrypto.so.1.1"] + ([found] if found else []):
            try:
                self.lib = ctypes.CDLL(name)
                break
            except OSError:
                continue
        else:
            raise WrongUse(words(
                "needs the Python package cryptography or the library libcrypto (OpenSSL)",
                "braucht das Python-Paket cryptography oder die Bibliothek libcrypto (OpenSSL)"))
        p, n, z, b = ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t, ctypes.c_char_p
        for name, result, *arguments in [
            ("EVP_CIPHER_CTX_new", p), ("EVP_CIPHER_CTX_free", None, p), ("EVP_aes_256_gcm", p),
            ("EVP_DecryptInit_ex", n, p, p, p, b, b), ("EVP_CIPHER_CTX_ctrl", n, p, n, n, b),
            ("EVP_DecryptUpdate", n, p, p, p, b, n), ("EVP_DecryptFinal_ex", n, p, p, p),
            ("EVP_PKEY_new_raw_private_key", p, n, p, b, z), ("EVP_PKEY_free", None, p),
            ("EVP_PKEY_new_raw_public_key", p, n, p, b, z),
            ("EVP_PKEY_get_raw_public_key", n, p, b, p), ("EVP_PKEY_CTX_new", p, p, p),
            ("EVP_PKEY_CTX_free", None, p), ("EVP_PKEY_derive_init", n, p),
            ("EVP_PKEY_derive_set_peer", n, p, p), ("EVP_PKEY_derive", n, p, b, p),
            ("EVP_MD_CTX_new", p), ("EVP_MD_CTX_free", None, p),
            ("EVP_DigestVerifyInit", n, p, p, p, p, p), ("EVP_DigestVerify", n, p, b, z, b, z),
        ]:
            function = getattr(self.lib, name)
            function.restype, function.argtypes = result, arguments

    def aes_open(self, key, nonce_bytes, sealed, associated):
        lib, text, tag = self.lib, sealed[:-16], sealed[-16:]
        output, count = ctypes.create_string_buffer(len(text) + 16), ctypes.c_int(0)
        context = lib.EVP_CIPHER_CTX_new()
        try:
            lib.EVP_DecryptInit_ex(context, lib.EVP_aes_256_gcm(), None, key, nonce_bytes)
            size = ctypes.byref(count)
            if associated:
                lib.EVP_DecryptUpdate(context, None, size, associated, len(associated))
            lib.EVP_DecryptUpdate(context, output, size, text, len(text))
            lib.EVP_CIPHER_CTX_ctrl(context, self.SET_TAG, 16, tag)
            if len(tag) != 16 or lib.EVP_DecryptFinal_ex(context, None, size) != 1:
                raise BadTag
        finally:
            lib.EVP_CIPHER_CTX_free(context)
        return output.raw[:len(text)]

    def x25519_public(self, secret):
        key = self.lib.EVP_PKEY_new_raw_private_key(self.X25519, None, secret, 32)
        output, size = ctypes.create_string_buffer(32), ctypes.c_size_t(32)
        done = self.lib.EVP_PKEY_get_raw_public_key(key, output, ctypes.byref(size))
        self.lib.EVP_PKEY_free(key)
        if done != 1:
            raise BadTag
        return output.raw

    def x25519(self, secret, public):
        lib = self.lib
        own = lib.EVP_PKEY_new_raw_private_key(self.X25519, None, secret, 32)
        other = lib.EVP_PKEY_new_raw_public_key(self.X25519, None, public, 32)
        context = lib.EVP_PKEY_CTX_new(own, None)
        output, size = ctypes.create_string_buffer(32), ctypes.c_size_t(32)
        done = (lib.EVP_PKEY_derive_init(context) == 1
                and lib.EVP_PKEY_derive_set_peer(context, other) == 1
                and lib.EVP_PKEY_derive(context, output, ctypes.byref(size)) == 1)
        lib.EVP_PKEY_CTX_free(context)
        lib.EVP_PKEY_free(own)
        lib.EVP_PKEY_free(other)
        if not done:
            raise BadTag
        return output.raw

    def ed25519_ok(self, public, message, signature):
        lib = self.lib
        key = lib.EVP_PKEY_new_raw_public_key(self.ED25519, None, public, 32)
        context = lib.EVP_MD_CTX_new()
        good = (bool(key) and lib.EVP_DigestVerifyInit(context, None, None, None, key) == 1
                and lib.EVP_DigestVerify(context, signature, len(signature),
                                         message, len(message)) == 1)
        lib.EVP_MD_CTX_free(context)
        lib.EVP_PKEY_free(key)
        return good

    def mlkem(self, seed):
        return MLKEM768(seed)

    def mldsa_ok(self, public, message, signature):
        return mldsa65_ok(public, message, signature)


class PyCrypto:
    """The same through the package `cryptography`; ML-KEM and ML-DSA where it has them."""

    def __init__(self):
        from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric import ed25519, x25519
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
        self.raw, self.raw_public = Encoding.Raw, PublicFormat.Raw
        self.failures = (InvalidTag, InvalidSignature, ValueError)
        self.gcm, self.ed, self.x = AESGCM, ed25519, x25519
        try:
            from cryptography.hazmat.primitives.asymmetric import mldsa, mlkem
            mlkem.MLKEM768PrivateKey.from_seed_bytes(bytes(64))
            mldsa.MLDSA65PrivateKey.from_seed_bytes(bytes(32))
            self.kem, self.dsa = mlkem, mldsa
        except (ImportError, AttributeError, UnsupportedAlgorithm):
            self.kem = self.dsa = None

    def attempt(self, function, *arguments):
        try:
            return function(*arguments)
        except self.failures:
            raise BadTag from None

    def aes_open(self, key, nonce_bytes, sealed, associated):
        return self.attempt(self.gcm(key).decrypt, nonce_bytes, sealed, associated)

    def x25519_public(self, secret):
        public = self.x.X25519PrivateKey.from_private_bytes(secret).public_key()
        return public.public_bytes(self.raw, self.raw_public)

    def x25519(self, secret, public):
        own = self.x.X25519PrivateKey.from_private_bytes(secret)
        return self.attempt(own.exchange, self.x.X25519PublicKey.from_public_bytes(public))

    def verified(self, kind, public, message, signature):
        try:
            self.attempt(kind.from_public_bytes(public).verify, signature, message)
            return True
        except (BadTag, ValueError):
            return False

    def ed25519_ok(self, public, message, signature):
        return self.verified(self.ed.Ed25519PublicKey, public, message, signature)

    def mldsa_ok(self, public, message, signature):
        if self.dsa is None:
            return mldsa65_ok(public, message, signature)
        return self.verified(self.dsa.MLDSA65PublicKey, public, message, signature)

    def mlkem(self, seed):
        if self.kem is None:
            return MLKEM768(seed)
        return PyMLKEM(self.kem.MLKEM768PrivateKey.from_seed_bytes(seed), self.attempt)


class PyMLKEM:
    def __init__(self, key, attempt):
        self.key, self.attempt = key, attempt
        self.public = key.public_key().public_bytes_raw()

    def decapsulate(self, sealed):
        return self.attempt(self.key.decapsulate, sealed)


crypto = None  # LibCrypto or PyCrypto, see choose_crypto


def choose_crypto(plain):
    global crypto
    if not plain:
        try:
            crypto = PyCrypto()
            return
        except ImportError:
            pass
    crypto = LibCrypto()


# ---------------------------------------------------------------------------------------------
# Algorithms: ML-KEM-768 (FIPS 203, decapsulation) and ML-DSA-65 (FIPS 204, verification)
#
# Not constant in time: acceptable only because a rescue runs on a machine its user trusts.


class Ring:
    """Polynomials of 256 coefficients modulo q and their number theoretic transform."""

    def __init__(self, q, root, bits, shortest):
        self.q, self.shortest = q, shortest
        reverse = [int(f"{i:0{bits}b}"[::-1], 2) for i in range(1 << bits)]
        self.zetas = [pow(root, r, q) for r in reverse]
        self.scale = pow(256 // shortest, -1, q)

    def transform(self, f):
        f, q, k, length = list(f), self.q, 0, 128
        while length >= self.shortest:
            for start in range(0, 256, 2 * length):
                k += 1
                zeta = self.zetas[k]
                for j in range(start, start + length):
                    t = zeta * f[j + length] % q
                    f[j + length] = (f[j] - t) % q
                    f[j] = (f[j] + t) % q
            length //= 2
        return f

    def inverse(self, f):
        f, q, k, length = list(f), self.q, 256 // self.shortest, self.shortest
        while length <= 128:
            for start in range(0, 256, 2 * length):
                k -= 1
                zeta = self.zetas[k]
                for j in range(start, start + length):
                    t = f[j]
                    f[j] = (t + f[j + length]) % q
                    f[j + length] = zeta * (f[j + length] - t) % q
            length *= 2
        return [self.scale * c % q for c in f]

    def add(self, f, g):
        return [(a + b) % self.q for a, b in zip(f, g)]

    def subtract(self, f, g):
        return [(a - b) % self.q for a, b in zip(f, g)]


def unpack(data, bits):
    number, mask = int.from_bytes(data, "little"), (1 << bits) - 1
    return [(number >> (bits * i)) & mask for i in range(len(data) * 8 // bits)]


def pack_bits(values, bits):
    number = 0
    for value in reversed(values):
        number = number << bits | value
    return number.to_bytes(len(values) * bits // 8, "little")


def sample(shake, count, step, candidates):
    """The first `count` accepted candidates from an output that may be of any length."""
    length = 168 * step
    while True:
        found = [c for c in candidates(shake.digest(length)) if c is not None]
        if len(found) >= count:
            return found[:count]
        length *= 2


class MLKEM768:
    """A private key (seed d ‖ z) of ML-KEM-768; names as in FIPS 203, algorithms 13 to 18."""

    K, DU, DV = 3, 10, 4
    ring = Ring(3329, 17, 7, 2)
    gammas = [pow(17, 2 * int(f"{i:07b}"[::-1], 2) + 1, 3329) for i in range(128)]

    def __init__(self, seed):
        d, self.z = seed[:32], seed[32:]
        g = hashlib.sha3_512(d + bytes([self.K])).digest()
        rho, sigma = g[:32], g[32:]
        self.a = [[self.uniform(rho, i, j) for j in range(self.K)] for i in range(self.K)]
        self.s = [self.ring.transform(self.small(sigma, n)) for n in range(self.K)]
        e = [self.ring.transform(self.small(sigma, n + self.K)) for n in range(self.K)]
        self.t = [self.ring.add(self.product(self.a[i], self.s), e[i]) for i in range(self.K)]
        self.public = b"".join(pack_bits(t, 12) for t in self.t) + rho
        self.h = hashlib.sha3_256(self.public).digest()

    @staticmethod
    def uniform(rho, i, j):
        def candidates(data):
            return [c if c < 3329 else None for c in unpack(data, 12)]
        return sample(hashlib.shake_128(rho + bytes([j, i])), 256, 3, candidates)

    @staticmethod
    def small(key, number):
        bits = unpack(hashlib.shake_256(key + bytes([number])).digest(128), 1)
        return [bits[i] + bits[i + 1] - bits[i + 2] - bits[i + 3] for i in range(0, 1024, 4)]

    def product(self, left, right):
        """The sum of the products of two vectors of transformed polynomials."""
        result = [0] * 256
        for f, g in zip(left, right):
            for i, gamma in enumerate(self.gammas):
                a0, a1, b0, b1 = f[2 * i], f[2 * i + 1], g[2 * i], g[2 * i + 1]
                result[2 * i] += a0 * b0 + a1 * b1 * gamma
                result[2 * i + 1] += a0 * b1 + a1 * b0
        return [c % 3329 for c in result]

    @staticmethod
    def compress(f, bits):
        return [(((c << bits) + 1664) // 3329) & ((1 << bits) - 1) for c in f]

    @staticmethod
    def decompress(f, bits):
        return [(c * 3329 + (1 << (bits - 1))) >> bits for c in f]

    def encrypt(self, m, r):
        ring, k = self.ring, range(self.K)
        y = [ring.transform(self.small(r, n)) for n in k]
        columns = [[self.a[i][j] for i in k] for j in k]
        u = [ring.add(ring.inverse(self.product(columns[j], y)), self.small(r, j + self.K))
             for j in k]
        v = ring.add(ring.inverse(self.product(self.t, y)), self.small(r, 2 * self.K))
        v = ring.add(v, self.decompress(unpack(m, 1), 1))
        return (b"".join(pack_bits(self.compress(f, self.DU), self.DU) for f in u)
                + pack_bits(self.compress(v, self.DV), self.DV))

    def decapsulate(self, c):
        ring, size = self.ring, 32 * self.DU
        u = [self.decompress(unpack(c[i * size:(i + 1) * size], self.DU), self.DU)
             for i in range(self.K)]
        v = self.decompress(unpack(c[self.K * size:], self.DV), self.DV)
        inner = self.product(self.s, [ring.transform(f) for f in u])
        m = pack_bits(self.compress(ring.subtract(v, ring.inverse(inner)), 1), 1)
        g = hashlib.sha3_512(m + self.h).digest()
        if hmac.compare_digest(self.encrypt(m, g[32:]), c):
            return g[:32]
        return hashlib.shake_256(self.z + c).digest(32)


Q = 8380417
GAMMA1, GAMMA2, BETA, OMEGA = 1 << 19, (Q - 1) // 32, 196, 55
dsa_ring = Ring(Q, 1753, 8, 1)


def dsa_uniform(rho, i, j):
    def candidates(data):
        return [c & 0x7FFFFF if c & 0x7FFFFF < Q else None for c in unpack(data, 24)]
    return sample(hashlib.shake_128(rho + bytes([j, i])), 256, 5, candidates)


def dsa_challenge(seed):
    stream = hashlib.shake_256(seed).digest(4096)  # 49 draws need about 60 bytes
    signs, at, c = int.from_bytes(stream[:8], "little"), 8, [0] * 256
    for i in range(256 - 49, 256):
        while stream[at] > i:
            at += 1
        c[i], c[stream[at]] = c[stream[at]], (Q - 1 if signs & 1 else 1)
        signs, at = signs >> 1, at + 1
    return c


def dsa_hints(data):
    """The positions of the hints of six polynomials, or None if they are malformed."""
    hints, index = [], 0
    for end in data[OMEGA:]:
        places = data[index:end]
        if not index <= end <= OMEGA or any(a >= b for a, b in zip(places, places[1:])):
            return None
        hints.append(set(places))
        index = end
    return None if any(data[index:OMEGA]) else hints


def dsa_use_hint(r, hint):
    low = r % (2 * GAMMA2)
    if low > GAMMA2:
        low -= 2 * GAMMA2
    if r - low == Q - 1:
        high, low = 0, low - 1
    else:
        high = (r - low) // (2 * GAMMA2)
    if hint:
        high += 1 if low > 0 else -1
    return high % 16


def mldsa65_ok(public, message, signature):
    """ML-DSA-65 with empty context: FIPS 204, algorithms 3 and 8."""
    if len(public) != 1952 or len(signature) != 3309:
        return False
    rho, seed = public[:32], signature[:48]
    t1 = [unpack(public[32 + 320 * i:352 + 320 * i], 10) for i in range(6)]
    z = [[GAMMA1 - c for c in unpack(signature[48 + 640 * i:688 + 640 * i], 20)] for i in range(5)]
    hints = dsa_hints(signature[48 + 640 * 5:])
    if hints is None or any(abs(c) >= GAMMA1 - BETA for f in z for c in f):
        return False
    mu = hashlib.shake_256(hashlib.shake_256(public).digest(64) + b"\0\0" + message).digest(64)
    c = dsa_ring.transform(dsa_challenge(seed))
    z = [dsa_ring.transform(f) for f in z]
    high = b""
    for i in range(6):
        t = dsa_ring.transform([x << 13 for x in t1[i]])
        w = [-a * b for a, b in zip(c, t)]
        for j in range(5):
            w = [x + a * b for x, a, b in zip(w, dsa_uniform(rho, i, j), z[j])]
        w = dsa_ring.inverse([x % Q for x in w])
        high += pack_bits([dsa_use_hint(x, n in hints[i]) for n, x in enumerate(w)], 4)
    return hmac.compare_digest(hashlib.shake_256(mu + high).digest(48), seed)


# ---------------------------------------------------------------------------------------------
# Algorithms: X-Wing and HPKE


class XWing:
    """A private key (seed of 32 bytes) of X-Wing, draft-connolly-cfrg-xwing-kem."""

    LABEL = b"\\.//^\\"

    def __init__(self, seed):
        expanded = hashlib.shake_256(seed).digest(96)
        self.mlkem, self.secret = crypto.mlkem(expanded[:64]), expanded[64:]
        self.x_public = crypto.x25519_public(self.secret)
        self.public = self.mlkem.public + self.x_public

    def decapsulate(self, sealed):
        m = self.mlkem.decapsulate(sealed[:1088])
        x = crypto.x25519(self.secret, sealed[1088:1120])
        return hashlib.sha3_256(m + x + sealed[1088:1120] + self.x_public + self.LABEL).digest()

    def open(self, message, info, name):
        """HPKE (RFC 9180) mode base, one message: encapsulated key ‖ ciphertext."""
        suite = b"HPKE" + bytes.fromhex("647a00010002")

        def extract(salt, label, key):
            return hmac256(salt or bytes(32), b"HPKE-v1" + suite + label + key)

        def expand(key, label, context, length):
            prefix = length.to_bytes(2, "big") + b"HPKE-v1" + suite
            return hkdf_expand(key, prefix + label + context, length)

        try:
            shared = self.decapsulate(message[:1120])
            context = b"\0" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
            secret = extract(shared, b"secret", b"")
            key = expand(secret, b"key", context, 32)
            base_nonce = expand(secret, b"base_nonce", context, 12)
            return crypto.aes_open(key, base_nonce, message[1120:], b"")
        except BadTag:
            raise Damage(name, "its seal is broken", "das Siegel ist gebrochen") from None


def unseal(key, sealed, associated, name, number=0):
    try:
        return crypto.aes_open(key, nonce(number), sealed, associated)
    except BadTag:
        raise Damage(name, "its seal is broken", "das Siegel ist gebrochen") from None


# ---------------------------------------------------------------------------------------------
# Algorithms: zstd


class Zstd:
    """One frame of zstd by whatever this machine has."""

    def __init__(self, plain):
        ways = [self.by_library] if plain else [self.by_modules, self.by_library]
        self.decode = next((decode for way in ways if (decode := way())), None)

    @staticmethod
    def by_library():
        for name in ["libzstd.so.1", ctypes.util.find_library("zstd")]:
            try:
                lib = ctypes.CDLL(name) if name else None
            except OSError:
                continue
            if lib:
                size, data_type = ctypes.c_size_t, ctypes.c_char_p
                lib.ZSTD_decompress.restype = lib.ZSTD_findFrameCompressedSize.restype = size
                lib.ZSTD_decompress.argtypes = [data_type, size, data_type, size]
                lib.ZSTD_findFrameCompressedSize.argtypes = [data_type, size]

                def decode(data, length):
                    if lib.ZSTD_findFrameCompressedSize(data, len(data)) != len(data):
                        return None
                    output = ctypes.create_string_buffer(length + 1)
                    done = lib.ZSTD_decompress(output, length, data, len(data))
                    return output.raw[:length] if done == length else None
                return decode
        return None

    @staticmethod
    def by_modules():
        for module in ["compression.zstd", "pyzstd", "zstandard"]:
            try:
                found = __import__(module, fromlist=["ZstdDecompressor"]).ZstdDecompressor
            except ImportError:
                continue

            def decode(data, length, found=found, bound=module == "zstandard"):
                try:
                    if bound:
                        return found().decompress(data, max_output_size=length)
                    return found().decompress(data, max_length=length + 1)
                except Exception:  # each module has an exception of its own
                    return None
            return decode
        return None

    @staticmethod
    def allowed(data, length):
        """One frame, no dictionary, a window of at most 16 MiB, a size that fits (RFC 8878)."""
        if len(data) < 6 or data[:4] != b"\x28\xb5\x2f\xfd":
            return False
        flags, at = data[4], 5
        single = flags & 0x20
        if flags & 3:
            return False
        if not single:
            window = 1 << (10 + (data[5] >> 3))
            if window + window // 8 * (data[5] & 7) > 16 * MIB:
                return False
            at = 6
        width = [1 if single else 0, 2, 4, 8][flags >> 6]
        if width and len(data) >= at + width:
            size = int.from_bytes(data[at:at + width], "little") + (256 if width == 2 else 0)
            return size == length
        return width == 0

    def open(self, data, length, name):
        if self.decode is None:
            raise WrongUse(words("needs the library libzstd (Debian: libzstd1)",
                                 "braucht die Bibliothek libzstd (Debian: libzstd1)"))
        plain = self.decode(data, length) if self.allowed(data, length) else None
        if plain is None or len(plain) != length:
            raise Damage(name, "a chunk does not decompress to its length",
                         "ein Chunk entpackt sich nicht auf seine Länge")
        return plain


# ---------------------------------------------------------------------------------------------
# The vault as a directory (§ 4)


class Site:
    """The directory of a vault. Opens regular files only and only for reading."""

    def __init__(self, path, journal):
        self.path, self.journal = path, journal
        if not os.path.isdir(os.path.join(path, "keyring")):
            raise WrongUse(words(f"{shown(path)} is no vault: it has no directory “keyring”",
                                 f"{shown(path)} ist kein Tresor: Verzeichnis „keyring“ fehlt"))

    def names(self, folder, pattern):
        """The names in a folder, sorted. What does not belong there is said and passed over."""
        try:
            found = sorted(os.listdir(os.path.join(self.path, folder)))
        except FileNotFoundError:
            return []
        except OSError as error:
            self.journal.damage(Damage(folder, error.strerror, error.strerror))
            return []
        for name in found:
            if not name.startswith(".") and not re.fullmatch(pattern, name):
                self.journal.note(shown(f"{folder}/{name}") + words(
                    " does not belong to the vault", " gehört nicht zum Tresor"))
        return [name for name in found if re.fullmatch(pattern, name)]

    def open(self, name):
        """A descriptor and the size in bytes."""
        try:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(os.path.join(self.path, name), flags)
        except FileNotFoundError:
            raise Damage(name, "is missing", "fehlt") from None
        except OSError as error:
            raise Damage(name, error.strerror, error.strerror) from None
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise Damage(name, "is no regular file", "ist keine reguläre Datei")
        return descriptor, status.st_size

    def read(self, name, limit):
        descriptor, size = self.open(name)
        with open(descriptor, "rb") as file:
            if size > limit:
                raise Damage(name, "is larger than allowed", "ist größer als erlaubt")
            try:
                return file.read(limit)
            except OSError as error:
                raise Damage(name, error.strerror, error.strerror) from None

    def digest(self, name):
        """SHA-256 of a whole object that need not fit into memory."""
        descriptor, _ = self.open(name)
        with open(descriptor, "rb", buffering=0) as file:
            total = hashlib.sha256()
            try:
                while part := file.read(MIB):
                    total.update(part)
            except OSError as error:
                raise Damage(name, error.strerror, error.strerror) from None
            return total.digest()


# ---------------------------------------------------------------------------------------------
# Keyring (§ 5)


@dataclass
class Writer:
    id: bytes
    name: str
    public: bytes
    domain: bytes
    epoch: int
    secret: bytes  # sealed
    retired: tuple | None  # number and digest of the last accepted record


class Keyring:
    """One keyring object; verified as far as it can be without those before it."""

    def __init__(self, data, number, name):
        self.name, self.number, self.digest = name, number, sha256(data)
        r = Reader(data, name)
        r.head(b"K")
        r.expect(bytes(2), "reserved bytes", "reservierte Bytes")
        self.vault = r.raw(16)
        r.expect(number.to_bytes(4, "little"), "number", "Nummer")
        self.before = r.raw(32)
        ed, dsa = r.raw(32), r.raw(1952)
        self.root, self.root_keys = sha256(b"zwilling root\0", ed, dsa), (ed, dsa)
        self.body = r.raw(r.u32())
        self.check_signed(r, b"zwilling keyring\0" + data[:r.at])

    def check_signed(self, r, message, keys=None):
        """Both signatures over a message, the root's or by other keys, which end the object."""
        ed, dsa = keys or self.root_keys
        ed_signature, dsa_signature = r.raw(64), r.raw(3309)
        r.end()
        if not crypto.ed25519_ok(ed, message, ed_signature):
            r.fail("the Ed25519 signature is wrong", "die Ed25519-Signatur ist falsch")
        if not crypto.mldsa_ok(dsa, message, dsa_signature):
            r.fail("the ML-DSA signature is wrong", "die ML-DSA-Signatur ist falsch")

    def read_body(self):
        r = Reader(self.body, self.name)
        r.time()
        self.ways = [(r.u8(), r.block()) for _ in r.many(2)]
        self.salt, self.box = r.raw(32), r.block()
        self.observer = r.raw(1216)
        self.readers = [(r.u32(), r.raw(1216)) for _ in r.many(1220)]
        epochs = [epoch for epoch, _ in self.readers]
        if not epochs or epochs != sorted(set(epochs)):
            r.fail("the epochs of its readers do not rise",
                   "die Epochen der Leserschlüssel steigen nicht")
        if any(kind != 1 for kind, _ in self.ways):
            r.fail("has an unknown way to the access key",
                   "hat einen unbekannten Weg zum Zugangsschlüssel")
        self.writers = [self.read_writer(r) for _ in r.many(1200)]
        if len({w.id for w in self.writers}) != len(self.writers):
            r.fail("names a writer twice", "nennt einen Schreiber doppelt")
        self.companions = [(r.text(), r.varint(), r.raw(32)) for _ in r.many(34)]
        # Where other copies lie: this one is read.
        found = r.extensions(needless=(1,), known=(2, 3))
        r.end()
        # {steward: (public keys, number of its last statement that counts)}
        self.stewards = self.read_stewards(found[3]) if 3 in found else {}
        # {writer: {session: number of its last unit that counts}}
        self.cuts = self.read_cuts(found[2]) if 2 in found else {}

    def read_cuts(self, content):
        """How far the units of writers count whose work was given to somebody else."""
        r = Reader(content, self.name)
        term, _, kind = r.u32(), r.text(), r.u8()
        if not term or not 1 <= kind <= 3:
            r.fail("malformed promotion", "ungültige Beförderung")
        cuts = {r.raw(16): {r.u64(): r.u32() for _ in r.many(12)} for _ in r.many(17)}
        r.end()
        return cuts

    def read_stewards(self, content):
        r, stewards = Reader(content, self.name), {}
        for _ in r.many(2010):
            identity, _, keys = r.raw(16), r.text(), (r.raw(32), r.raw(1952))
            r.time()
            state = r.u8()
            if state > 1:
                r.fail("has a steward in an unknown state",
                       "hat einen Verwalter in unbekanntem Zustand")
            stewards[identity] = (keys, r.u64() if state else 10**12)
        r.end()
        return stewards

    def read_writer(self, r):
        identity, name, public = r.raw(16), r.text(), r.raw(32)
        r.time()
        domain, epoch, secret, state = r.raw(16), r.u32(), r.raw(SEALED_KEY), r.u8()
        if state > 1:
            r.fail("has a writer in an unknown state", "hat einen Schreiber in unbekanntem Zustand")
        retired = (r.u64(), r.raw(32)) if state == 1 else None
        return Writer(identity, name, public, domain, epoch, secret, retired)

    def unlock(self, passphrase):
        """Reader and observer keys: {epoch: XWing}, XWing."""
        associated, access = self.vault + self.root, None
        for _, way in self.ways:
            access = access or self.access_key(way, passphrase, associated)
        if access is None:
            raise WrongUse(words("the passphrase is wrong", "die Passphrase ist falsch"))
        secrets = unseal(derive(access, b"zwilling strongbox", self.salt), self.box,
                         associated + self.number.to_bytes(4, "little"), self.name)
        r = Reader(secrets, self.name)
        r.raw(64)  # the root's seeds: a rescue signs nothing
        observer = XWing(r.raw(32))
        keys = {r.u32(): XWing(r.raw(32)) for _ in r.many(36)}
        r.end()
        known = dict(self.readers)
        if observer.public != self.observer or self.readers[-1][0] not in keys or any(
                key.public != known.get(epoch, key.public) for epoch, key in keys.items()):
            r.fail("secret and public keys do not belong together",
                   "geheime und öffentliche Schlüssel gehören nicht zusammen")
        return keys, observer

    def access_key(self, way, passphrase, associated):
        r = Reader(way, self.name)
        exponent, width, parallel, salt, sealed = r.u8(), r.u32(), r.u32(), r.raw(32), r.raw(48)
        r.end()
        if (not 1 <= exponent < 40 or not 1 <= parallel <= SCRYPT_P_MAX or width < 1
                or 128 * width << exponent > SCRYPT_BYTES_MAX):
            r.fail("unreasonable costs of scrypt", "maßlose Kosten für scrypt")
        memory = 128 * width * ((1 << exponent) + parallel + 2) + MIB
        key = hashlib.scrypt(passphrase, salt=salt, n=1 << exponent, r=width, p=parallel,
                             maxmem=memory, dklen=32)
        try:
            return crypto.aes_open(derive(key, b"zwilling access"), nonce(0), sealed, associated)
        except BadTag:
            return None


def expected(numbers, last):
    """Every number to look at, gaps included; a hostile name cannot make that endless."""
    missing = set(range(1, min(last, len(numbers) + 1000) + 1))
    return sorted(missing | {number for number in numbers if 1 <= number <= last})


def read_keyring(site, folder, number, root, first, before):
    """One copy of a keyring, checked against the root and the keyrings before it."""
    name = f"{folder}/{number:08}"
    data = site.read(name, KEYRING_MAX)
    keyring = Keyring(data, number, name)
    if root is not None and keyring.root != root:
        raise Damage(name, f"has another root: {keyring.root.hex()}",
                     f"hat eine andere Wurzel: {keyring.root.hex()}")
    if first is not None and (keyring.vault, keyring.root) != (first.vault, first.root):
        raise Damage(name, "has another vault or root than the first",
                     "hat einen anderen Tresor oder eine andere Wurzel als der erste")
    if before is not None and keyring.before != before:
        raise Damage(name, "does not follow on the one before", "folgt nicht auf den davor")
    keyring.read_body()
    return keyring, sha256(data)


def keyring_in_force(site, journal, root):
    """The newest keyring of an unbroken chain, or with damage the newest that is left."""
    folders = ("keyring", "keyring-copy")
    numbers = {int(name) for folder in folders for name in site.names(folder, "[0-9]{8}")}
    found, before = [], bytes(32)
    for number in expected(numbers, max(numbers, default=1)):
        keyring, digest = None, None
        for folder in folders:
            try:
                copy = read_keyring(site, folder, number, root, found[0] if found else None, before)
                if keyring is None:
                    keyring, digest = copy
            except Damage as problem:
                journal.damage(problem)
        before = digest
        if keyring is not None:
            found.append(keyring)
    if not found:
        raise Damage("keyring", "no keyring can be used", "kein Schlüsselbund ist verwendbar")
    return found[-1]


# ---------------------------------------------------------------------------------------------
# Statements of stewards (§ 15)


def read_statement(site, keyring, number):
    """Which records were let go: {writer: [(first, last)]}; None where it does not count."""
    name = f"statements/{number:012}"
    data = site.read(name, RECORD_MAX)
    r = Reader(data, name)
    r.head(b"S")
    r.expect(bytes(2), "reserved bytes", "reservierte Bytes")
    r.expect(keyring.vault, "vault", "Tresor")
    r.expect(number.to_bytes(8, "little"), "number", "Nummer")
    r.raw(32)
    steward = keyring.stewards.get(r.raw(16))
    r.time()
    for _ in r.many(56):
        r.raw(16 + 8 + 32)
    gone = {}
    for _ in r.many(17):
        writer, stretches, after = r.raw(16), [], 0
        for _ in r.many(2):
            first = after + r.varint()
            last = first + r.varint()
            stretches.append((first, last))
            after = last + 1
        gone[writer] = stretches
    for _ in range(2):
        for _ in r.many(32):
            r.raw(32)
    if steward is None:
        r.fail("is by no steward", "ist von keinem Verwalter")
    keyring.check_signed(r, b"zwilling statement\0" + data[:r.at], steward[0])
    return gone if number <= steward[1] else None


def let_go(site, keyring, journal):
    """What the newest statement says; where it cannot be read, the one before."""
    names = site.names("statements", "[0-9]{12}") if keyring.stewards else ()
    for number in sorted(map(int, names), reverse=True):
        try:
            gone = read_statement(site, keyring, number)
        except Damage as problem:
            journal.damage(problem)
            continue
        if gone is not None:
            return gone
    return {}


# ---------------------------------------------------------------------------------------------
# Records (§ 6)


@dataclass
class Record:
    writer: Writer
    number: int
    name: str
    digest: bytes

    @property
    def short(self):
        return f"{self.writer.id.hex()}:{self.number}"


@dataclass
class Body:
    """What a record says."""
    kind: int
    time: tuple
    data_set: str
    host: str
    paths: list
    counts: list
    added_bytes: int
    base: int
    added: list
    removed: list
    roots: list
    source: int = 0
    postgres: Span | None = None
    supersedes: tuple = ()  # of (session, first unit, last unit)


def read_record_extensions(r, body):
    seen = set()
    for _ in r.many(3):
        tag, critical, block = r.varint(), r.u8(), Reader(r.block(), r.name)
        if critical > 1 or tag in seen or (tag == 3 and body.kind != RANGE):
            r.fail("malformed extension", "ungültige Erweiterung")
        seen.add(tag)
        if tag == 1:
            body.source = block.u8()
            if not 1 <= body.source <= 6:
                r.fail(f"has the unknown source {body.source}, get a newer rescue.py",
                       f"hat die unbekannte Quelle {body.source}, neueres rescue.py besorgen")
        elif tag == 2:
            body.postgres = block.span()
        elif tag == 3:
            body.supersedes = [(block.varint(), block.varint(), block.varint())
                               for _ in block.many(3)]
            if any(not 1 <= session < 10**12 or not first <= last < SESSION_UNITS
                   for session, first, last in body.supersedes):
                r.fail("malformed span of units", "ungültige Spanne von Einheiten")
        elif critical:
            r.fail(f"needs extension {tag}, get a newer rescue.py",
                   f"braucht Erweiterung {tag}, neueres rescue.py besorgen")
        else:
            continue
        block.end()


def record_body(plain, name):
    r = Reader(plain, name)
    kind = r.u8()
    body = Body(kind, r.time(), r.text(), r.text(), [r.block() for _ in r.many(1)],
                [r.varint() for _ in range(6)], r.varint(), r.varint(),
                [(r.raw(32), r.varint()) for _ in r.many(33)],
                [r.raw(32) for _ in r.many(32)], [r.raw(32) for _ in r.many(32)])
    if kind in (SNAPSHOT, CHECKPOINT, RANGE):
        read_record_extensions(r, body)
    if kind not in (SNAPSHOT, CHECKPOINT, RANGE) or (kind == CHECKPOINT and body.roots):
        r.fail("unknown kind of record", "unbekannte Art von Eintrag")
    if len(plain) % 512 or any(r.raw(r.left())):
        r.fail("wrong padding", "falsche Auffüllung")
    return body


class Records:
    """The chains of all writers; bodies are opened when they are asked for."""

    def __init__(self, site, keyring, observer, journal):
        self.site, self.keyring, self.journal = site, keyring, journal
        self.observer, self.print = observer, fingerprint(observer.public)
        self.gone = let_go(site, keyring, journal)
        self.chains = {writer.id: self.chain(writer) for writer in keyring.writers}
        known = {writer.id.hex() for writer in keyring.writers}
        for folder in site.names("records", "[0-9a-f]{32}"):
            if folder not in known:
                journal.damage(Damage(f"records/{folder}", "is of a writer the keyring does not "
                                      "know (is the newest keyring missing?)", "ist von einem "
                                      "Schreiber, den der Schlüsselbund nicht kennt (fehlt der "
                                      "neueste Schlüsselbund?)"))

    def chain(self, writer):
        folder = f"records/{writer.id.hex()}"
        numbers = [int(name) for name in self.site.names(folder, "[0-9]{12}")]
        last, chain, before = max(numbers, default=0), {}, bytes(32)
        if writer.retired:
            if last > writer.retired[0]:
                self.journal.note(folder + words(": records after the writer's retirement ignored",
                                                 ": Einträge nach dem Ruhestand ignoriert"))
            last = writer.retired[0]
        for number in expected(numbers, last):
            name, data = f"{folder}/{number:012}", None
            try:
                data = self.site.read(name, RECORD_MAX)
                self.verify(data, writer, number, name)
                chain[number] = Record(writer, number, name, sha256(data))
                if before is not None and data[48:80] != before:
                    raise Damage(name, "does not follow on the one before",
                                 "folgt nicht auf den davor")
                if writer.retired and number == last and sha256(data) != writer.retired[1]:
                    chain.pop(number)
                    raise Damage(name, "is not the last one that the keyring accepts",
                                 "ist nicht der letzte, den der Schlüsselbund anerkennt")
            except Damage as problem:
                self.journal.damage(problem)
            before = sha256(data) if data is not None else None
            self.journal.progress(words("records: ", "Einträge: ") + name)
        return chain

    def verify(self, data, writer, number, name):
        r = Reader(data, name)
        r.head(b"R")
        r.expect(bytes(2), "reserved bytes", "reservierte Bytes")
        r.expect(self.keyring.vault, "vault", "Tresor")
        r.expect(writer.id, "writer", "Schreiber")
        r.expect(number.to_bytes(8, "little"), "number", "Nummer")
        r.raw(32 + 8 + 16 + 1120)
        r.raw(r.u32())
        message = b"zwilling record\0" + data[:r.at]
        signature = r.raw(64)
        r.end()
        if not crypto.ed25519_ok(writer.public, message, signature):
            r.fail("the writer's signature is wrong", "die Signatur des Schreibers ist falsch")

    def body(self, record):
        data = self.site.read(record.name, RECORD_MAX)
        if sha256(data) != record.digest:
            raise Damage(record.name, "has changed meanwhile", "hat sich inzwischen geändert")
        if data[88:104] != self.print:
            raise Damage(record.name, "is sealed to another observer",
                         "ist für einen anderen Beobachter versiegelt")
        message = data[104:1224] + data[1228:-64]
        return record_body(self.observer.open(message, data[:104], record.name), record.name)

    def is_gone(self, writer, number):
        """Whether a steward has let it go, so that its packs need not be there."""
        return any(first <= number <= last for first, last in self.gone.get(writer, ()))

    def of_kind(self, *kinds, writer=None, gone=False):
        """(record, body) of all records of these kinds; what cannot be opened is journalled."""
        for identity, chain in self.chains.items():
            for number in sorted(chain) if writer in (None, identity) else ():
                if self.is_gone(identity, number) and not gone:
                    continue
                try:
                    body = self.body(chain[number])
                except Damage as problem:
                    self.journal.damage(problem)
                    continue
                if body.kind in kinds:
                    yield chain[number], body

    def latest(self):
        best, done = None, set()
        for chain in self.chains.values():
            for number in sorted(chain, reverse=True):
                if self.is_gone(chain[number].writer.id, number):
                    continue
                try:
                    body = self.body(chain[number])
                except Damage as problem:
                    self.journal.damage(problem)
                    continue
                if body.kind == SNAPSHOT and body.data_set not in ACTS:
                    done.add(chain[number].writer.id)
                    if best is None or body.time > best[1].time:
                        best = (chain[number], body)
                    break
        if len(done) > 1:
            self.journal.note(words(f"{len(done)} writers have snapshots; this is the latest of "
                                    "all, --list shows the others",
                                    f"{len(done)} Schreiber haben Stände; dies ist der neueste "
                                    "von allen, --list zeigt die anderen"))
        return best

    def choose(self, wanted):
        """latest, WRITER:SEQ (the writer's id may be shortened) or the start of a hash."""
        if wanted == "latest":
            if (best := self.latest()) is None:
                raise Damage("records", "no snapshot can be read", "kein Stand ist lesbar")
            return best
        every = [record for chain in self.chains.values() for record in chain.values()]
        if match := re.fullmatch("([0-9a-f]+):([0-9]+)", wanted.lower()):
            found = [record for record in every if record.number == int(match[2])
                     and record.writer.id.hex().startswith(match[1])]
        else:
            found = [record for record in every if record.digest.hex().startswith(wanted.lower())]
        if len(found) != 1:
            raise WrongUse(words(f"{len(found)} records are “{wanted}”, see --list",
                                 f"{len(found)} Einträge sind „{wanted}“, siehe --list"))
        body = self.body(found[0])
        if body.kind != SNAPSHOT:
            raise WrongUse(words("that record is no snapshot", "dieser Eintrag ist kein Stand"))
        if self.is_gone(found[0].writer.id, found[0].number):
            self.journal.note(words("this snapshot was let go by a steward, so packs may be missing",
                                    "diesen Stand hat ein Verwalter aufgegeben, daher können "
                                    "Packs fehlen"))
        return found[0], body

    def packs(self, record, body):
        """The pack list: {name: size in bytes}."""
        changes = [body]
        while changes[-1].base:
            number = changes[-1].base
            base = self.chains[record.writer.id].get(number)
            if number >= record.number or base is None:
                raise Damage(record.name, f"its pack list rests on record {number}, which cannot "
                             "be used", f"seine Packliste beruht auf Eintrag {number}, der nicht "
                             "verwendbar ist")
            record = base
            changes.append(self.body(base))
        result = {}
        for change in reversed(changes):
            for digest in change.removed if change.base else ():
                result.pop(digest, None)
            result.update(change.added)
        return result


# ---------------------------------------------------------------------------------------------
# Packs and chunks (§ 7)


class Cache:
    """The things used last, up to a total cost."""

    def __init__(self, budget):
        self.items, self.budget, self.cost = OrderedDict(), budget, 0

    def get(self, key):
        if key in self.items:
            self.items.move_to_end(key)
            return self.items[key][0]
        return None

    def put(self, key, value, cost):
        self.items[key] = value, cost
        self.cost += cost
        while self.cost > self.budget and len(self.items) > 1:
            self.cost -= self.items.popitem(last=False)[1][1]


class Domains:
    """The secrets of the domains, opened when they are needed."""

    def __init__(self, keyring, keys):
        self.keyring, self.keys, self.secrets = keyring, keys, {}

    def secret(self, writer_id, domain, name):
        if domain not in self.secrets:
            writer = next((w for w in self.keyring.writers
                           if w.id == writer_id and w.domain == domain), None)
            if writer is None or writer.epoch not in self.keys:
                raise Damage(name, "is of an unknown writer or domain",
                             "ist von einem unbekannten Schreiber oder aus unbekannter Domäne")
            info = b"zwilling domain\0" + self.keyring.vault + writer.id + domain
            self.secrets[domain] = self.keys[writer.epoch].open(
                writer.secret, info, self.keyring.name)
        return self.secrets[domain]


@dataclass
class Pack:
    """The head of a pack, with its chunk table until that has been taken over by the index."""
    name: str
    kind: int
    size: int
    id_key: bytes
    table: list  # of (id, offset, stored length, plain length, compressed)
    chunks_end: int
    binding: bytes
    commitment: bytes
    recipients: dict
    info: bytes


def pack_name(digest):
    return f"packs/{digest.hex()[:2]}/{digest.hex()}"


def read_pack(descriptor, size, name, vault, domains):
    """Everything in front of the chunks."""
    if not PACK_MIN <= size <= PACK_MAX or padme(size) != size:
        raise Damage(name, "has no possible length", "hat keine mögliche Länge")
    head = os.pread(descriptor, 113, 0)
    r = Reader(head, name)
    r.head(b"P")
    kind = r.u8()
    r.expect(b"\0", "reserved byte", "reserviertes Byte")
    r.expect(vault, "vault", "Tresor")
    writer, pack_id, domain = r.raw(16), r.raw(16), r.raw(16)
    r.u32()
    commitment, table_size, count = r.raw(32), r.u32(), r.u8()
    start = 113 + (16 + SEALED_KEY) * count
    if kind not in (DATA, TREE) or count == 0 or table_size % 4096 or not (
            16 < table_size <= min(MIB, size - start - 16)):
        r.fail("malformed head", "ungültiger Kopf")
    front = os.pread(descriptor, start + table_size, 0)
    r = Reader(front, name, 113)
    recipients = {r.raw(16): r.raw(SEALED_KEY) for _ in range(count)}
    secret = domains.secret(writer, domain, name)
    table_key = derive(secret, b"zwilling chunk table", pack_id)
    table = unseal(table_key, front[start:], sha256(front[:start]), name)
    rows, end = read_table(table, name, kind, start + table_size)
    if end + 16 > size:
        r.fail("its chunks do not fit into it", "seine Chunks passen nicht hinein")
    label = b"zwilling data id" if kind == DATA else b"zwilling tree id"
    return Pack(name, kind, size, derive(secret, label), rows, end, sha256(front[:108]),
                commitment, recipients, front[:76])


def read_table(table, name, kind, offset):
    r, rows = Reader(table, name), []
    count, limit = r.u32(), DATA_MAX if kind == DATA else TREE_MAX
    if count > PACK_CHUNKS_MAX:
        r.fail("has too many chunks", "hat zu viele Chunks")
    for _ in range(count):
        digest, stored, plain, way = r.raw(32), r.u32(), r.u32(), r.u8()
        if plain > limit or stored > limit + MIB or way > 1 or (way == 0 and stored != plain):
            r.fail("malformed chunk table", "ungültige Chunktabelle")
        rows.append((digest, offset, stored, plain, way))
        offset += stored + 16
    if any(r.raw(r.left())):
        r.fail("malformed chunk table", "ungültige Chunktabelle")
    return rows, offset


class Chunks:
    """Finds and opens chunks. The index is a temporary database, so that memory stays small."""

    def __init__(self, site, keyring, keys, zstd, journal):
        self.site, self.keyring, self.zstd, self.journal = site, keyring, zstd, journal
        self.keys = {fingerprint(key.public): key for key in keys.values()}
        self.domains = Domains(keyring, keys)
        self.packs, self.plains = Cache(512), Cache(32 * MIB)
        self.hashed, self.content_keys, self.all_added = set(), {}, False
        self.index = sqlite3.connect("", isolation_level=None)
        self.index.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -32768;"
            "CREATE TABLE pack (number INTEGER PRIMARY KEY, digest BLOB UNIQUE);"
            "CREATE TABLE chunk (id BLOB, kind INTEGER, pack INTEGER, number INTEGER, offset "
            "INTEGER, stored INTEGER, plain INTEGER, way INTEGER, PRIMARY KEY (id, pack, number))"
            " WITHOUT ROWID; BEGIN")

    def add(self, digest, size=None):
        """Takes the chunk table of a pack into the index. Without a size no record lists it."""
        name = pack_name(digest)
        if self.index.execute("SELECT 1 FROM pack WHERE digest = ?", (digest,)).fetchone():
            return
        number = self.index.execute("INSERT INTO pack (digest) VALUES (?)", (digest,)).lastrowid
        try:
            pack = self.load(digest)
            if size not in (None, pack.size):
                self.journal.damage(Damage(name, f"has {pack.size} bytes, its record says {size}",
                                           f"hat {pack.size} Bytes, laut Eintrag {size}"))
        except Damage as problem:
            if size is not None:
                self.journal.damage(problem)
            return
        self.index.executemany(
            "INSERT INTO chunk VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            ((row[0], pack.kind, number, i) + row[1:] for i, row in enumerate(pack.table)))
        self.journal.progress(words(f"chunk tables: {number}", f"Chunktabellen: {number}"))

    def add_all(self):
        """The last resort: every pack there is. Their keys, not a list, say whether they count."""
        if not self.all_added:
            self.all_added = True
            for folder in self.site.names("packs", "[0-9a-f]{2}"):
                for name in self.site.names(f"packs/{folder}", folder + "[0-9a-f]{62}"):
                    self.add(bytes.fromhex(name))

    def load(self, digest):
        pack = self.packs.get(digest)
        if pack is None:
            descriptor, size = self.site.open(pack_name(digest))
            try:
                pack = read_pack(descriptor, size, pack_name(digest), self.keyring.vault,
                                 self.domains)
            except OSError as error:
                raise Damage(pack_name(digest), error.strerror, error.strerror) from None
            finally:
                os.close(descriptor)
            self.packs.put(digest, pack, 1 + len(pack.table) // 256)
        return pack

    def content_key(self, pack):
        if pack.name in self.content_keys:
            return self.content_keys[pack.name]
        for name, sealed in pack.recipients.items():
            if name in self.keys:
                key = self.keys[name].open(sealed, pack.info, pack.name)
                if sha256(b"zwilling pack key\0", key) != pack.commitment:
                    raise Damage(pack.name, "its content key is not the one it commits to",
                                 "der Inhaltsschlüssel passt nicht zur Festlegung")
                self.content_keys[pack.name] = key
                return key
        raise Damage(pack.name, "is sealed to readers this vault's strongbox does not hold",
                     "ist für Leser versiegelt, die der Tresor nicht kennt")

    def check_hash(self, digest):
        """Once for each pack; damaged packs stay in use, for every chunk has its own seal."""
        if digest not in self.hashed:
            self.hashed.add(digest)
            try:
                if self.site.digest(pack_name(digest)) != digest:
                    raise Damage(pack_name(digest), "its bytes have changed",
                                 "seine Bytes haben sich geändert")
            except Damage as problem:
                self.journal.damage(problem)

    def unseal_at(self, pack, number, offset, stored, chunk_id):
        descriptor, _ = self.site.open(pack.name)
        try:
            sealed = os.pread(descriptor, stored + 16, offset)
        except OSError as error:
            raise Damage(pack.name, error.strerror, error.strerror) from None
        finally:
            os.close(descriptor)
        if len(sealed) != stored + 16:
            raise Damage(pack.name, "ends too early", "endet zu früh")
        name = f"{pack.name}, chunk {number}"
        return unseal(self.content_key(pack), sealed, pack.binding + chunk_id, name, number)

    def open_chunk(self, digest, number, row):
        """Opens and verifies one chunk of one pack."""
        chunk_id, offset, stored, plain, way = row
        self.check_hash(digest)
        pack = self.load(digest)
        data = self.unseal_at(pack, number, offset, stored, chunk_id)
        name = f"{pack.name}, chunk {number}"
        if way == 1:
            data = self.zstd.open(data, plain, name)
        if hmac256(pack.id_key, data) != chunk_id:
            raise Damage(name, "is not the chunk it says", "ist nicht der genannte Chunk")
        return data

    def places(self, kind, chunk_id):
        return self.index.execute(
            "SELECT digest, chunk.number, offset, stored, plain, way FROM chunk JOIN pack "
            "ON pack.number = chunk.pack WHERE id = ? AND kind = ?", (chunk_id, kind)).fetchall()

    def length(self, kind, chunk_id):
        """The plain length of a chunk that is there; Damage otherwise."""
        if not (places := self.places(kind, chunk_id)):
            self.add_all()
            if not (places := self.places(kind, chunk_id)):
                raise Damage(f"chunk {chunk_id.hex()}", "is in no pack", "ist in keinem Pack")
        return places[0][4]

    def chunk(self, kind, chunk_id, plain=None):
        data = self.plains.get((kind, chunk_id))
        if data is None:
            data = self.find(kind, chunk_id)
            self.plains.put((kind, chunk_id), data, len(data))
        if plain is not None and len(data) != plain:
            raise Damage(f"chunk {chunk_id.hex()}", "has another length than named",
                         "hat eine andere Länge als genannt")
        return data

    def find(self, kind, chunk_id):
        for attempt in range(2):
            for digest, number, *row in self.places(kind, chunk_id):
                try:
                    return self.open_chunk(digest, number, (chunk_id, *row))
                except Damage as problem:
                    self.journal.damage(problem)
            if attempt == 0:
                self.add_all()
        raise Damage(f"chunk {chunk_id.hex()}", "is in no usable pack",
                     "ist in keinem brauchbaren Pack")

    def check_pack(self, digest, size):
        """Every byte of one pack."""
        self.add(digest, size)
        self.check_hash(digest)
        try:
            pack = self.load(digest)
        except Damage:
            return  # named by add
        for number, row in enumerate(pack.table):
            try:
                self.open_chunk(digest, number, row)
            except Damage as problem:
                self.journal.damage(problem)
        try:
            stored = pack.size - pack.chunks_end - 16
            if any(self.unseal_at(pack, len(pack.table), pack.chunks_end, stored, bytes(32))):
                raise Damage(pack.name, "its padding is not zero", "die Auffüllung ist nicht null")
        except Damage as problem:
            self.journal.damage(problem)


# ---------------------------------------------------------------------------------------------
# Trees (§ 8)


@dataclass
class Entry:
    path: tuple  # components
    kind: int
    mode: int
    user: int
    group: int
    time: tuple
    changing: bool  # it changed while it was read
    identity: bytes | None
    attributes: list | int  # or the number of the chunk that holds them
    chunks: list  # those of its section: (id, plain length)
    size: int = 0
    regions: list | None = None  # of (start, length); None without holes
    form: int | None = None
    stream: list | int = 0  # numbers of chunks, or the one of a group
    offset: int = 0
    target: bytes = b""
    device: tuple = (0, 0)

    @property
    def stream_length(self):
        return self.size if self.regions is None else sum(n for _, n in self.regions)


def read_entry(r, folder, chunks):
    """One entry; the new current directory is to be taken from its path."""
    leave, name, kind = r.varint(), r.block(), r.u8()
    if leave > len(folder):
        r.fail("leaves more directories than there are", "verlässt zu viele Verzeichnisse")
    path = folder[:len(folder) - leave] + (component(r, name),)
    mode, user, group, when, flags = r.varint(), r.varint(), r.varint(), r.time(), r.u8()
    if (kind > BLOCK or mode >= 0o10000 or max(user, group) > 2**32 - 2 or flags >= 32
            or flags & 6 == 4 or (flags & 8 and kind != FILE)):
        r.fail("malformed entry", "ungültiger Eintrag")
    identity = b"%d,%d" % (r.varint(), r.varint()) if flags & 1 else None
    attributes = []
    if flags & 6 == 2:
        attributes = read_attributes(r)
    elif flags & 4:
        attributes = chunk_number(r, chunks)
    entry = Entry(path, kind, mode, user, group, when, bool(flags & 16), identity, attributes,
                  chunks)
    if kind == FILE:
        read_content(r, entry, flags & 8)
    elif kind == LINK:
        entry.target = r.block()
        if not entry.target or b"\0" in entry.target:
            r.fail("malformed link target", "ungültiges Ziel eines Verweises")
    elif kind in (CHARACTER, BLOCK):
        entry.device = r.varint(), r.varint()
        if max(entry.device) >= 2**32:
            r.fail("malformed device number", "ungültige Gerätenummer")
    return entry


def component(r, name):
    if not 1 <= len(name) <= 255 or name in (b".", b"..") or b"/" in name or b"\0" in name:
        r.fail(f"has the forbidden name “{shown(name[:300])}”",
               f"hat den verbotenen Namen „{shown(name[:300])}“")
    return name


def read_attributes(r):
    attributes = [(r.block(), r.block()) for _ in r.many(2)]
    if any(not name or b"\0" in name for name, _ in attributes):
        r.fail("malformed extended attribute", "ungültiges erweitertes Attribut")
    return attributes


def chunk_number(r, chunks):
    number = r.varint()
    if number >= len(chunks):
        r.fail("names a chunk its section does not list",
               "nennt einen Chunk, den der Abschnitt nicht führt")
    return number


def read_content(r, entry, holes):
    entry.size = r.varint()
    if holes:
        entry.regions, end = [], 0
        for _ in r.many(2):
            start = end + r.varint()
            entry.regions.append((start, r.varint()))
            end = sum(entry.regions[-1])
        if end > entry.size:
            r.fail("has data beyond its size", "hat Daten jenseits seiner Größe")
    length = entry.stream_length
    if entry.size >= 2**63:
        r.fail("has an impossible size", "hat eine unmögliche Größe")
    if length == 0:
        return
    entry.form = r.u8()
    if entry.form == 0:
        entry.stream, entry.offset = chunk_number(r, entry.chunks), r.varint()
        good = entry.offset + length <= entry.chunks[entry.stream][1]
    else:
        entry.stream = [chunk_number(r, entry.chunks) for _ in r.many(1)]
        good = entry.form == 2 or (entry.form == 1 and length == sum(
            entry.chunks[number][1] for number in entry.stream))
    if not good:
        r.fail("has content of another length than it says",
               "hat Inhalt anderer Länge als angegeben")


class Tree:
    """The entries of a snapshot, in order. A damaged section is named and left out."""

    def __init__(self, chunks, body, journal, includes=()):
        self.chunks, self.body, self.journal = chunks, body, journal
        self.includes, self.last, self.last_kind = includes, (), DIRECTORY
        self.seen = None  # a set of sections to be passed over, for checks

    def sections(self):
        for root in self.body.roots:
            try:
                r = Reader(self.chunks.chunk(TREE, root), f"root chunk {root.hex()}")
                found = [(r.raw(32), r.varint(), r.varint(),
                          tuple(component(r, r.block()) for _ in r.many(1)))
                         for _ in r.many(35)]
                r.end()
            except Damage as problem:
                self.journal.damage(problem)
                continue
            for section, after in zip(found, found[1:] + [None]):
                if self.wanted_section(section[3], after[3] if after else None):
                    yield section

    def wanted_section(self, first, after):
        """Whether an included path, something in it or a directory above it may be there."""
        def within(path):
            return first <= path and (after is None or path < after)
        return not self.includes or any(
            first[:len(path)] == path or any(within(path[:n]) for n in range(1, len(path) + 1))
            for path in self.includes)

    def wanted(self, entry):
        return not self.includes or any(
            entry.path[:len(path)] == path
            or (entry.kind == DIRECTORY and path[:len(entry.path)] == entry.path)
            for path in self.includes)

    def entries(self):
        for digest, plain, count, first in self.sections():
            if self.seen is not None:
                if digest in self.seen:
                    self.last, self.last_kind = first, DIRECTORY
                    continue
                self.seen.add(digest)
            name = f"section {digest.hex()} (from {shown_path(first)})"
            try:
                r = Reader(self.chunks.chunk(TREE, digest, plain), name)
                yield from self.section(r, count, first)
            except Damage as problem:
                self.journal.damage(problem)

    def section(self, r, count, first):
        folder = tuple(component(r, r.block()) for _ in r.many(1))
        chunks = [(r.raw(32), r.varint()) for _ in r.many(33)]
        found = r.many(7)
        if len(found) != count:
            r.fail("has another number of entries than its root chunk says",
                   "hat eine andere Zahl von Einträgen, als der Wurzelchunk sagt")
        for index in found:
            entry = read_entry(r, folder, chunks)
            if index == 0 and entry.path != first:
                r.fail("does not begin where its root chunk says",
                       "beginnt nicht, wo der Wurzelchunk sagt")
            if entry.path <= self.last:
                r.fail(f"{shown_path(entry.path)} is out of order",
                       f"{shown_path(entry.path)} steht nicht in der Reihenfolge")
            if self.last_kind != DIRECTORY and entry.path[:len(self.last)] == self.last:
                r.fail(f"{shown_path(entry.path)} lies in what is no directory",
                       f"{shown_path(entry.path)} liegt in etwas, das kein Verzeichnis ist")
            self.last, self.last_kind = entry.path, entry.kind
            folder = entry.path if entry.kind == DIRECTORY else entry.path[:-1]
            if self.wanted(entry):
                yield entry
        r.end()

    def attributes(self, entry):
        if isinstance(entry.attributes, list):
            return entry.attributes
        digest, plain = entry.chunks[entry.attributes]
        r = Reader(self.chunks.chunk(TREE, digest, plain), f"chunk {digest.hex()}")
        attributes = read_attributes(r)
        r.end()
        return attributes

    def stream_chunks(self, entry):
        """(id, plain length) of what form 1 or 2 of content names; Damage as late as possible."""
        left = entry.stream_length
        for number in entry.stream:
            digest, plain = entry.chunks[number]
            if entry.form == 1:
                found = [(digest, plain)]
            else:
                r = Reader(self.chunks.chunk(TREE, digest, plain), f"chunk {digest.hex()}")
                found = [(r.raw(32), r.varint()) for _ in r.many(33)]
                r.end()
            left -= sum(length for _, length in found)
            if left < 0:
                break
            yield from found
        if left:
            raise Damage(shown_path(entry.path), "its chunks have another length than it",
                         "seine Chunks haben eine andere Länge als es selbst")

    def pieces(self, entry):
        """(length, bytes) of the stream; bytes are None where a chunk is lost."""
        if entry.form is None:
            return
        if entry.form == 0:
            digest, plain = entry.chunks[entry.stream]
            wanted, start = [(digest, plain)], entry.offset
        else:
            wanted, start = self.stream_chunks(entry), 0
        for digest, plain in wanted:
            try:
                data = self.chunks.chunk(DATA, digest, plain)
            except Damage as problem:
                self.journal.damage(problem)
                data = None
            if entry.form == 0:
                plain = entry.stream_length
                data = data[start:start + plain] if data is not None else None
            yield plain, data


# ---------------------------------------------------------------------------------------------
# Restoring


class Walker:
    """Goes to directories one component at a time and never through a symbolic link.

    Keeps the descriptors of the last directories of the path, so paths may have any length.
    """

    KEPT = 100

    def __init__(self, root):
        self.root, self.path, self.kept = root, (), []

    def enter(self, path, create=None):
        """A descriptor of the directory, valid until the next call. `create` makes missing ones."""
        common = 0
        while (common < min(len(path), len(self.path)) and path[common] == self.path[common]):
            common += 1
        while len(self.kept) > common:
            self.drop(-1)
        if common and self.kept[common - 1] is None:  # too far up: begin again at the root
            while self.kept:
                self.drop(-1)
        for depth in range(len(self.kept), len(path)):
            above = self.kept[-1] if self.kept else self.root
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            self.path = path[:depth]
            try:
                descriptor = os.open(path[depth], flags, dir_fd=above)
            except FileNotFoundError:
                if create is None:
                    raise
                create(path[:depth + 1])
                os.mkdir(path[depth], 0o700, dir_fd=above)
                descriptor = os.open(path[depth], flags, dir_fd=above)
            self.kept.append(descriptor)
            if depth >= self.KEPT:
                self.drop(depth - self.KEPT)
        self.path = path
        return self.kept[-1] if self.kept else self.root

    def drop(self, index):
        descriptor = self.kept[index]
        if index == -1:
            self.kept.pop()
        else:
            self.kept[index] = None
        if descriptor is not None:
            os.close(descriptor)


class Restorer:
    """Writes the entries of a tree below a directory."""

    def __init__(self, target, overwrite, tree, journal):
        self.tree, self.journal, self.overwrite = tree, journal, overwrite
        os.makedirs(target, exist_ok=True)
        if os.listdir(target) and not overwrite:
            raise WrongUse(words(f"{shown(target)} is not empty; --overwrite restores into it",
                                 f"{shown(target)} ist nicht leer; --overwrite schreibt hinein"))
        root = os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.walker, self.link_walker = Walker(root), Walker(root)
        self.open, self.late = [], []  # directories whose attributes are still to be set
        self.entries = self.bytes = 0
        self.links = sqlite3.connect("", isolation_level=None)
        self.links.executescript("PRAGMA journal_mode = OFF; CREATE TABLE link "
                                 "(id BLOB PRIMARY KEY, kind INTEGER, path BLOB); BEGIN")

    def run(self):
        for entry in self.tree.entries():
            self.leave(entry.path)
            self.attempt(entry, self.put)
            self.entries += 1
            self.journal.progress(words(
                f"{self.entries} entries, {self.bytes // MIB} MiB",
                f"{self.entries} Einträge, {self.bytes // MIB} MiB"))
        self.leave(None)
        for entry in reversed(self.late):
            self.attempt(entry, self.finish)

    def attempt(self, entry, action):
        """What fails concerns one entry, unless the target is full."""
        try:
            action(entry)
        except Damage as problem:
            self.journal.damage(problem)
            self.lose("content", entry, "incomplete", "unvollständig")
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
                raise Stop(shown_path(entry.path) + f": {error.strerror}") from None
            self.lose("entry", entry, error.strerror, error.strerror)

    def lose(self, category, entry, en, de):
        self.journal.loss(category, f"{shown_path(entry.path)}: {words(en, de)}")

    def leave(self, path):
        """Sets the attributes of the directories that are complete, deepest first."""
        while self.open and (path is None or path[:len(self.open[-1].path)] != self.open[-1].path):
            entry = self.open.pop()
            if entry.mode & 0o700 == 0o700:
                self.attempt(entry, self.finish)
            else:
                self.late.append(entry)  # without root, links into it would fail

    def finish(self, entry):
        self.set_attributes(entry, self.walker.enter(entry.path))

    def implicit(self, path):
        self.journal.loss("directory", shown_path(path) + words(
            ": attributes unknown", ": Attribute unbekannt"))

    def put(self, entry):
        folder, name = self.walker.enter(entry.path[:-1], self.implicit), entry.path[-1]
        if entry.kind == DIRECTORY:
            self.make_directory(name, folder)
            self.open.append(entry)
            return
        if self.overwrite:
            self.clear(name, folder)
        if entry.identity is not None and self.link(entry, folder):
            return
        if entry.kind == FILE:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(name, flags, 0o600, dir_fd=folder)
        else:
            self.make_special(entry, folder)
            descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        try:
            if entry.kind == FILE:
                self.write(entry, descriptor)
            self.set_attributes(
                entry, descriptor if entry.kind == FILE else f"/proc/self/fd/{descriptor}")
        finally:
            os.close(descriptor)
        if entry.identity is not None:
            self.links.execute("INSERT OR IGNORE INTO link VALUES (?, ?, ?)",
                               (entry.identity, entry.kind, b"/".join(entry.path)))

    def make_directory(self, name, folder):
        if self.overwrite and not self.is_directory(name, folder):
            self.clear(name, folder)
        try:
            os.mkdir(name, 0o700, dir_fd=folder)
        except FileExistsError:
            if not self.is_directory(name, folder):
                raise

    @staticmethod
    def is_directory(name, folder):
        try:
            return stat.S_ISDIR(os.lstat(name, dir_fd=folder).st_mode)
        except FileNotFoundError:
            return False

    @staticmethod
    def clear(name, folder):
        try:
            os.unlink(name, dir_fd=folder)
        except FileNotFoundError:
            pass

    def link(self, entry, folder):
        """Whether the entry could become one more name of a file restored before."""
        row = self.links.execute("SELECT kind, path FROM link WHERE id = ?",
                                 (entry.identity,)).fetchone()
        if row is None:
            return False
        path = tuple(row[1].split(b"/"))
        try:
            if row[0] != entry.kind:
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
            os.link(path[-1], entry.path[-1], src_dir_fd=self.link_walker.enter(path[:-1]),
                    dst_dir_fd=folder, follow_symlinks=False)
            return True
        except OSError as error:
            self.lose("link", entry, f"no hard link to {shown_path(path)} ({error.strerror}), "
                      "but a file of its own", f"kein harter Verweis auf {shown_path(path)} "
                      f"({error.strerror}), sondern eigene Datei")
            return False

    @staticmethod
    def make_special(entry, folder):
        name = entry.path[-1]
        if entry.kind == LINK:
            os.symlink(entry.target, name, dir_fd=folder)
        elif entry.kind == FIFO:
            os.mkfifo(name, 0o600, dir_fd=folder)
        else:
            kind = {SOCKET: stat.S_IFSOCK, CHARACTER: stat.S_IFCHR, BLOCK: stat.S_IFBLK}
            os.mknod(name, kind[entry.kind] | 0o600, os.makedev(*entry.device), dir_fd=folder)

    def write(self, entry, descriptor):
        if entry.changing:
            self.journal.note(shown_path(entry.path) + words(
                " changed while it was read", " änderte sich, während sie gelesen wurde"))
        os.ftruncate(descriptor, entry.size)
        spans = iter(entry.regions if entry.regions is not None else [(0, entry.size)])
        start, left, complete = 0, 0, True
        for length, data in self.tree.pieces(entry):
            complete, at = complete and data is not None, 0
            while at < length:
                while left == 0:
                    start, left = next(spans)
                count = min(left, length - at)
                if data is not None:
                    count = os.pwrite(descriptor, memoryview(data)[at:at + count], start)
                at, start, left = at + count, start + count, left - count
            self.bytes += length
        if not complete:
            self.lose("content", entry, "incomplete, zeros where chunks are lost",
                      "unvollständig, Nullen, wo Chunks fehlen")

    def set_attributes(self, entry, place):
        """Owner, then attributes (a new owner clears capabilities), then mode, then time."""
        mode = entry.mode
        try:
            os.chown(place, entry.user, entry.group)
        except OSError:
            status = os.stat(place)
            if (status.st_uid, status.st_gid) != (entry.user, entry.group):
                mode &= 0o1777  # set-id bits are for the owner they were meant for
                lost = ", set-id bits" if mode != entry.mode else ""
                self.lose("owner", entry, f"owner {entry.user}:{entry.group}{lost}",
                          f"Eigentümer {entry.user}:{entry.group}{lost}")
        self.set_extended(entry, place)
        if entry.kind != LINK:
            os.chmod(place, mode)
        when = entry.time[0] * 1_000_000_000 + entry.time[1]
        try:
            os.utime(place, ns=(when, when))
            if os.stat(place).st_mtime_ns == when:
                return
        except (OSError, OverflowError):
            pass
        self.lose("time", entry, "time of last modification", "Zeit der letzten Änderung")

    def set_extended(self, entry, place):
        wanted = self.tree.attributes(entry)
        kept = {name for name, _ in wanted}
        try:
            present = [os.fsencode(name) for name in os.listxattr(place)]
        except OSError:
            present = []
        for name in present:  # inherited from a directory above, or from before
            if name not in kept and name.startswith((b"user.", b"system.posix_acl_")):
                os.removexattr(place, name)
        for name, value in wanted:
            try:
                os.setxattr(place, name, value)
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                self.lose("attribute", entry, f"attribute {shown(name)}: {reason}",
                          f"Attribut {shown(name)}: {reason}")


# ---------------------------------------------------------------------------------------------
# Units (§ 10)


class Ratchet:
    """The keys of the units of a session, fastest in order."""

    def __init__(self, secret):
        self.first = self.chain = derive(secret, b"zwilling unit")
        self.number = 0

    def key(self, number):
        if number < self.number:
            self.chain, self.number = self.first, 0
        while self.number < number:
            self.chain, self.number = derive(self.chain, b"zwilling unit next"), self.number + 1
        return derive(self.chain, b"zwilling unit key")


def commitment(key):
    return sha256(b"zwilling unit commitment\0", key)


class Unit:
    """One unit object, its signature and place verified. Does not keep its bytes."""

    FRONT, HEADER = 2460, 2568  # the part that a session's units share; all before the facts

    def __init__(self, data, name, vault, writer):
        self.name, self.digest, self.front = name, sha256(data), data[:self.FRONT]
        session, number = name[-19:].split("-")
        r = Reader(data, name)
        r.head(b"U")
        r.expect(bytes(2), "reserved bytes", "reservierte Bytes")
        r.expect(vault, "vault", "Tresor")
        r.expect(writer.id, "writer", "Schreiber")
        self.epoch = r.u32()
        r.expect(int(session).to_bytes(8, "little"), "session", "Sitzung")
        self.stands = r.u64(), r.raw(32)
        self.reader_print, self.observer_print = r.raw(16), r.raw(16)
        self.content_secret, self.facts_secret = r.raw(SEALED_KEY), r.raw(SEALED_KEY)
        r.expect(int(number).to_bytes(4, "little"), "number", "Nummer")
        self.session, self.number, self.before = int(session), int(number), r.raw(32)
        self.commitments = {"content": r.raw(32), "facts": r.raw(32)}
        facts, content = r.u32(), r.u32()
        self.ends = self.HEADER, self.HEADER + facts, self.HEADER + facts + content
        if facts % 512 or facts > 4096 or not UNIT_MIN <= len(data) == padme(len(data)):
            r.fail("has no possible length", "hat keine mögliche Länge")
        r.raw(facts)
        r.raw(content)
        message, signature = b"zwilling unit\0" + data[:r.at], r.raw(64)
        r.end()
        if not crypto.ed25519_ok(writer.public, message, signature):
            r.fail("the writer's signature is wrong", "die Signatur des Schreibers ist falsch")

    def ratchet(self, part, key):
        wanted, sealed = ((self.reader_print, self.content_secret) if part == "content"
                          else (self.observer_print, self.facts_secret))
        if key is None or wanted != fingerprint(key.public):
            raise Damage(self.name, "is sealed to another key", "ist für einen anderen Schlüssel "
                         "versiegelt")
        info = b"zwilling unit " + part.encode() + b"\0" + self.front[:124]
        return Ratchet(key.open(sealed, info, self.name))

    def unsealed(self, part, ratchet, data):
        key = ratchet.key(self.number)
        if commitment(key) != self.commitments[part]:
            raise Damage(self.name, "its key is not the one it commits to",
                         "der Schlüssel passt nicht zur Festlegung")
        start, end = self.ends[:2] if part == "facts" else self.ends[1:]
        return unseal(key, data[start:end], sha256(data[:start]), self.name)

    def read_facts(self, ratchet, data):
        r = Reader(self.unsealed("facts", ratchet, data), self.name)
        self.data_set = r.text()
        if (kind := r.u8()) != 1:
            r.fail(f"is of the unknown kind {kind}, get a newer rescue.py",
                   f"ist von der unbekannten Art {kind}, neueres rescue.py besorgen")
        self.span = r.span()
        r.extensions()
        if self.span.end - self.span.start > UNIT_PLAIN_MAX or any(r.raw(r.left())):
            r.fail("malformed facts", "ungültige Angaben")

    def content(self, ratchet, data, zstd):
        r = Reader(self.unsealed("content", ratchet, data), self.name)
        way, plain, stored = r.u8(), r.u32(), r.raw(r.u32())
        if (way > 1 or plain != self.span.end - self.span.start or any(r.raw(r.left()))
                or (way == 0 and plain != len(stored))):
            r.fail("malformed content", "ungültiger Inhalt")
        return zstd.open(stored, plain, self.name) if way else stored


class Units:
    """The units of all writers that no range supersedes."""

    def __init__(self, records, keys, zstd):
        self.records, self.site, self.journal = records, records.site, records.journal
        self.vault, self.keys, self.zstd = records.keyring.vault, keys, zstd
        self.ratchet = None, None  # the front of the session read last, and its content keys

    def read(self, name, writer):
        data = self.site.read(name, UNIT_MAX)
        return Unit(data, name, self.vault, writer), data

    def of(self, writer):
        """Every unit of a writer that counts, in order."""
        folder, sessions = f"units/{writer.id.hex()}", {}
        cut = self.records.keyring.cuts.get(writer.id)
        for name in self.site.names(folder, "(?!0{12})[0-9]{12}-00[0-8][0-9]{3}"):
            if cut is not None and int(name[-6:]) > cut.get(int(name[:12]), -1):
                continue  # written by an original that had been replaced
            sessions.setdefault(int(name[:12]), []).append(f"{folder}/{name}")
        if not sessions:
            return
        spans = {}
        for record, body in self.records.of_kind(RANGE, writer=writer.id, gone=True):
            for session, first, last in body.supersedes:
                spans.setdefault(session, []).append((record.number, body.data_set, first, last))
        before = 0
        for session in sorted(sessions):
            known = [n for n in spans if before < n < session]
            for first, last in gaps(before + 1, session, known):
                self.missing(f"{folder}/{first:012}-000000", f"{last:012}-000000", first < last)
            before = session
            yield from self.session(writer, sessions[session], spans.get(session, []))

    def missing(self, first, last, several):
        name = f"{first} … {last}" if several else first
        self.journal.damage(Damage(name, "is missing", "fehlt"))

    def anchor(self, writer, names, spans):
        """A unit that says what all of its session have in common, and the session's facts keys."""
        def named(name):
            return any(first <= int(name[-6:]) <= last for _, _, first, last in spans)
        for name in sorted(names, key=lambda name: (named(name), name)):
            try:
                unit, data = self.read(name, writer)
                ratchet = unit.ratchet("facts", self.records.observer)
                unit.read_facts(ratchet, data)
                return unit, ratchet
            except Damage:
                continue  # it is read again, and named, with all others
        return None, None

    def counts(self, writer, anchor):
        number, digest = anchor.stands
        chain = self.records.chains[writer.id]
        if writer.retired and number > writer.retired[0]:
            self.journal.note(anchor.name[:-7] + words(
                ": began after the writer's retirement, ignored",
                ": begann nach dem Ruhestand des Schreibers, ignoriert"))
            return False
        if number in chain and chain[number].digest != digest:
            self.journal.damage(Damage(anchor.name, f"its session stands on another record {number}"
                                       " than there is", "seine Sitzung beruht auf einem anderen "
                                       f"Eintrag {number}, als da ist"))
            return False
        if number > max(chain, default=0):
            self.journal.damage(Damage(f"records/{writer.id.hex()}/{number:012}", "is missing",
                                       "fehlt"))
        return True

    def session(self, writer, names, spans):
        anchor, ratchet = self.anchor(writer, names, spans)
        if anchor is not None and not self.counts(writer, anchor):
            return
        gone = {number for record, data_set, first, last in spans for number in range(
            first, last + 1) if anchor and record > anchor.stands[0]
            and data_set == anchor.data_set}
        following, before = 0, bytes(32)
        for name in names:
            number = int(name[-6:])
            if number in gone:
                continue
            for first, last in gaps(following, number, gone):
                self.missing(f"{name[:-6]}{first:06}", f"{name[-19:-6]}{last:06}", first < last)
            before, following = before if number == following else None, number + 1
            try:
                unit, data = self.read(name, writer)
                if anchor is None:
                    unit.read_facts(unit.ratchet("facts", self.records.observer), data)
                    continue
                if unit.front != anchor.front or before not in (None, unit.before):
                    raise Damage(name, "does not follow on the one before",
                                 "folgt nicht auf die davor")
                unit.read_facts(ratchet, data)
                if unit.data_set != anchor.data_set:
                    raise Damage(name, "is of another data set", "ist von einem anderen "
                                 "Datenbestand")
                before = unit.digest
            except Damage as problem:
                self.journal.damage(problem)
                before = None
                continue
            yield unit

    def content(self, unit, writer):
        data = self.site.read(unit.name, UNIT_MAX)
        if sha256(data) != unit.digest:
            raise Damage(unit.name, "has changed meanwhile", "hat sich inzwischen geändert")
        if self.ratchet[0] != unit.front:
            self.ratchet = unit.front, unit.ratchet("content", self.keys.get(unit.epoch))
        return unit.content(self.ratchet[1], data, self.zstd)

    def check(self):
        count = 0
        for writer in self.records.keyring.writers:
            for unit in self.of(writer):
                count += 1
                try:
                    self.content(unit, writer)
                except Damage as problem:
                    self.journal.damage(problem)
                self.journal.progress(words("units: ", "Einheiten: ") + unit.name)
        if count:
            self.journal.line(words(f"{count} units checked", f"{count} Einheiten geprüft"))


def gaps(start, end, without):
    """(first, last) of the runs of numbers from start to below end that are not in `without`."""
    for number in sorted(n for n in without if start <= n < end) + [end]:
        if start < number:
            yield start, number - 1
        start = number + 1


# ---------------------------------------------------------------------------------------------
# PostgreSQL's log beside a base (§ 6, § 10)


@dataclass
class Piece:
    """Bytes of the log from an LSN on; `read` gives (length, bytes or None) in order."""
    timeline: int
    start: int
    end: int
    name: str
    read: object


class PostgresLog:
    """Puts the log of ranges and then units together to segment files in DIR/pg_wal."""

    def __init__(self, vault, record, body, target):
        self.vault, self.record, self.body, self.target = vault, record, body, target
        self.span, self.journal = body.postgres, vault.journal
        self.folder = os.path.join(target, "pg_wal")
        self.reached = {}  # by timeline: where the log ends

    def run(self):
        if os.path.islink(self.folder):
            raise Stop(shown(self.folder) + words(" is a link", " ist ein Verweis"))
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        pieces = list(self.range_pieces()) + list(self.unit_pieces())
        for timeline in sorted({piece.timeline for piece in pieces}):
            if timeline >= self.span.timeline:
                self.write_timeline(timeline, sorted(
                    (piece for piece in pieces if piece.timeline == timeline),
                    key=lambda piece: (piece.start, -piece.end)))
        end = self.reached.get(self.span.timeline, self.span.start)
        if end < self.span.end and not self.is_brought():
            self.journal.damage(Damage(self.record.name, "the log that this base needs to become "
                                       f"consistent ends at {lsn(end)}, before "
                                       f"{lsn(self.span.end)}", "das Protokoll, mit dem diese "
                                       f"Grundsicherung schlüssig wird, endet bei {lsn(end)}, vor "
                                       f"{lsn(self.span.end)}"))
        self.explain()
        self.give_to_owner()

    def is_brought(self):
        """Whether the base itself holds all of the log that it needs."""
        at = self.span.start // self.span.segment * self.span.segment
        while at < self.span.end:
            name = self.segment_name(self.span.timeline, at)
            if not os.path.exists(os.path.join(self.target, "pgdata", "pg_wal", name)):
                return False
            at += self.span.segment
        return True

    def mine(self, data_set, span):
        return data_set == self.body.data_set and span and span.system == self.span.system and (
            span.segment == self.span.segment)

    def range_pieces(self):
        chunks = self.vault.chunks
        for record, body in self.vault.records.of_kind(RANGE, writer=self.record.writer.id):
            if not self.mine(body.data_set, body.postgres):
                continue
            for digest, size in self.vault.pack_list(record, body).items():
                chunks.add(digest, size)
            tree = Tree(chunks, body, self.journal)
            for entry in tree.entries():
                path = "/".join(shown(part) for part in entry.path)
                if entry.kind != FILE:
                    continue
                if match := re.fullmatch("wal/([0-9a-f]{8})/([0-9a-f]{16})", path):
                    start = int(match[2], 16)
                    yield Piece(int(match[1], 16), start, start + entry.stream_length,
                                f"{record.name}, {path}",
                                lambda tree=tree, entry=entry: tree.pieces(entry))
                elif match := re.fullmatch("wal/([0-9a-f]{8})[.]history", path):
                    self.write_history(match[1].upper() + ".history", tree, entry)

    def unit_pieces(self):
        units, writer = self.vault.units, self.record.writer
        for unit in units.of(writer):
            if self.mine(unit.data_set, unit.span):
                yield Piece(unit.span.timeline, unit.span.start, unit.span.end, unit.name,
                            lambda unit=unit: [(unit.span.end - unit.span.start,
                                                units.content(unit, writer))])

    def write_history(self, name, tree, entry):
        parts = [data for _, data in tree.pieces(entry)]
        if None in parts:
            self.journal.loss("content", name + words(": incomplete", ": unvollständig"))
            return
        descriptor = self.open_file(name)
        with open(descriptor, "wb") as file:
            file.truncate()
            file.write(b"".join(parts))

    def open_file(self, name):
        """Never through a link that the snapshot may have put there."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            return os.open(os.path.join(self.folder, name), flags, 0o600)
        except OSError as error:
            raise Stop(f"{shown(self.folder)}/{name}: {error.strerror}") from None

    def write_timeline(self, timeline, pieces):
        """As far as the bytes go without a gap."""
        segment = self.span.segment
        if timeline == self.span.timeline:
            at = self.span.start // segment * segment
            pieces = [piece for piece in pieces if piece.end > at]
            if pieces and at < pieces[0].start <= self.span.start:
                at = pieces[0].start
        else:
            at = pieces[0].start if pieces else 0
        self.begin(timeline, at)
        for number, piece in enumerate(pieces):
            if piece.start > at:
                later = ", ".join(other.name for other in pieces[number:number + 1])
                self.journal.loss("log", words(
                    f"the log of timeline {timeline} has a gap from {lsn(at)} to "
                    f"{lsn(piece.start)} (before {later}) and ends there",
                    f"das Protokoll der Zeitlinie {timeline} hat eine Lücke von {lsn(at)} bis "
                    f"{lsn(piece.start)} (vor {later}) und endet dort"))
                break
            at = self.write_piece(timeline, at, piece)
        self.reached[timeline] = at

    def begin(self, timeline, at):
        """A segment that begins within an older timeline's has the same bytes up to there."""
        segment = self.span.segment
        start, older = at // segment * segment, [t for t in self.reached if t < timeline]
        if at == start or not older or self.reached[max(older)] <= start:
            return
        with open(self.open_file(self.segment_name(max(older), start)), "rb") as file:
            self.put(timeline, start, file.read(at - start))

    def write_piece(self, timeline, at, piece):
        """The LSN behind what could be written; what was written before is passed over."""
        position = piece.start
        try:
            for length, data in piece.read():
                if data is None:
                    break
                if position + length > at:
                    self.put(timeline, at, data[at - position:])
                    at = position + length
                position += length
                self.journal.progress(words("log: ", "Protokoll: ") + lsn(at))
        except Damage as problem:
            self.journal.damage(problem)
        return at

    def segment_name(self, timeline, at):
        number, each = at // self.span.segment, (1 << 32) // self.span.segment
        return f"{timeline:08X}{number // each:08X}{number % each:08X}"

    def put(self, timeline, at, data):
        segment, view = self.span.segment, memoryview(data)
        while view:
            offset = at % segment
            count = min(len(view), segment - offset)
            descriptor = self.open_file(self.segment_name(timeline, at))
            try:
                os.ftruncate(descriptor, segment)  # PostgreSQL takes whole segments only
                done = 0
                while done < count:
                    done += os.pwrite(descriptor, view[done:count], offset + done)
            except OSError as error:
                raise Stop(shown(self.folder) + f": {error.strerror}") from None
            finally:
                os.close(descriptor)
            at, view = at + count, view[count:]

    def give_to_owner(self):
        """Whoever owns the data directory must be able to read the log."""
        try:
            owner = os.stat(os.path.join(self.target, "pgdata"), follow_symlinks=False)
            for name in ["", *os.listdir(self.folder)]:
                os.chown(os.path.join(self.folder, name), owner.st_uid, owner.st_gid,
                         follow_symlinks=False)
        except OSError as error:
            self.journal.loss("owner", f"pg_wal: {error.strerror}")

    def explain(self):
        reached = ", ".join(f"{timeline}: {lsn(end)}" for timeline, end in self.reached.items())
        text = POSTGRES_TEXT.format(reached=reached or "–", data=shown(os.path.abspath(
            os.path.join(self.target, "pgdata"))), log=shown(os.path.abspath(self.folder)))
        path = os.path.join(self.target, "START-POSTGRESQL.txt")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(path, flags, 0o644), "w", encoding="utf-8") as file:
            file.write(text)
        self.journal.line(words(f"PostgreSQL's log was put to {shown(self.folder)}; read "
                                f"{shown(path)}", "Das Protokoll von PostgreSQL liegt in "
                                f"{shown(self.folder)}; weiter mit {shown(path)}"))


def lsn(value):
    return f"{value >> 32:X}/{value & 0xFFFFFFFF:X}"


POSTGRES_TEXT = """\
HOW TO START POSTGRESQL FROM THIS

pgdata is the data directory, pg_wal the log that came after it. By timeline, the log ends at
{reached}

1. Use the same major version of PostgreSQL (pgdata/PG_VERSION) and the same processor type.
2. If there is a directory "tablespaces": put the new place of each into pgdata/tablespace_map,
   one line each: OID, a space, path.
3. Add to pgdata/postgresql.auto.conf:
       restore_command = 'cp "{log}/%f" "%p"'
       recovery_target_timeline = 'latest'
   To stop at a moment, also:
       recovery_target_time = '2026-01-31 12:00:00+01'
       recovery_target_action = 'promote'
4. Create the empty file pgdata/recovery.signal. Do not remove pgdata/backup_label.
5. All must belong to the user that runs PostgreSQL; pgdata must have mode 0700.
6. Start: pg_ctl -D "{data}" start
   The last segment is filled up with zeros: PostgreSQL finds the end by itself.


SO STARTET POSTGRESQL DAMIT

pgdata ist das Datenverzeichnis, pg_wal das Protokoll danach. Es endet je Zeitlinie bei
{reached}

1. Dieselbe Hauptversion von PostgreSQL (pgdata/PG_VERSION) und Prozessorart verwenden.
2. Gibt es ein Verzeichnis "tablespaces": den neuen Ort eines jeden in pgdata/tablespace_map
   eintragen, je Zeile: OID, ein Leerzeichen, Pfad.
3. In pgdata/postgresql.auto.conf ergänzen:
       restore_command = 'cp "{log}/%f" "%p"'
       recovery_target_timeline = 'latest'
   Um an einem Zeitpunkt anzuhalten, außerdem:
       recovery_target_time = '2026-01-31 12:00:00+01'
       recovery_target_action = 'promote'
4. Die leere Datei pgdata/recovery.signal anlegen. pgdata/backup_label nicht entfernen.
5. Alles muss dem Benutzer gehören, unter dem PostgreSQL läuft; pgdata braucht die Rechte 0700.
6. Starten: pg_ctl -D "{data}" start
   Das letzte Segment ist mit Nullen aufgefüllt: PostgreSQL findet das Ende selbst.
"""


# ---------------------------------------------------------------------------------------------
# Invitations and claims (§ 11): a rescue does not use them, but says when they are damaged


def check_invitations(site, keyring, journal):
    writers = {writer.id: writer for writer in keyring.writers}
    for folder, letter in (("invitations", b"I"), ("claims", b"C")):
        for name in site.names(folder, "[0-9a-f]{32}"):
            try:
                check_invitation(site, keyring, writers, f"{folder}/{name}", letter)
            except Damage as problem:
                journal.damage(problem)


def check_invitation(site, keyring, writers, name, letter):
    data = site.read(name, INVITATION_MAX)
    r = Reader(data, name)
    r.head(letter)
    r.expect(bytes(2), "reserved bytes", "reservierte Bytes")
    r.expect(keyring.vault, "vault", "Tresor")
    r.expect(bytes.fromhex(name[-32:]), "name", "Name")
    writer = writers.get(r.raw(16))
    if writer is None:
        r.fail("names no writer of the keyring", "nennt keinen Schreiber des Schlüsselbunds")
    if letter == b"I":
        r.time()
        r.time()
        r.raw(128)
        return keyring.check_signed(r, b"zwilling invitation\0" + data[:r.at])
    r.raw(16)
    r.time()
    if len(r.text().encode()) > 255:
        r.fail("the name of its host is too long", "der Name seines Rechners ist zu lang")
    message = b"zwilling claim\0" + data[:r.at]
    signature = r.raw(64)
    r.end()
    if not crypto.ed25519_ok(writer.public, message, signature):
        r.fail("the writer's signature is wrong", "die Signatur des Schreibers ist falsch")


def token_text(secret, root):
    """A token as people type it."""
    body = secret + root[:7]
    number = int.from_bytes(body + sha256(b"zwilling token\0", body)[:2], "big")
    letters = ["0123456789ABCDEFGHJKMNPQRSTVWXYZ"[number >> 5 * i & 31] for i in range(39, -1, -1)]
    return "-".join("".join(letters[i:i + 5]) for i in range(0, 40, 5))


# ---------------------------------------------------------------------------------------------
# Checking and listing


def check(vault, chosen):
    """Companions, all packs of the chosen snapshots byte by byte, and that trees are complete."""
    site, journal, chunks = vault.site, vault.journal, vault.chunks
    for name, size, digest in vault.keyring.companions:
        try:
            if any(part in ("", ".", "..") for part in name.split("/")) or "\0" in name:
                raise Damage(name, "is no possible name", "ist kein möglicher Name")
            if sha256(site.read(name, COMPANION_MAX)) != digest:
                raise Damage(name, "its bytes have changed", "seine Bytes haben sich geändert")
        except Damage as problem:
            journal.damage(problem)
    check_invitations(site, vault.keyring, journal)
    packs = {}
    for record, body in chosen:
        packs.update(vault.pack_list(record, body))
    for number, (digest, size) in enumerate(sorted(packs.items())):
        chunks.check_pack(digest, size)
        journal.progress(words(f"packs: {number} of {len(packs)}",
                               f"Packs: {number} von {len(packs)}"))
    seen = set()
    for record, body in chosen:
        tree = Tree(chunks, body, journal)
        tree.seen = seen
        for entry in tree.entries():
            try:
                check_entry(tree, chunks, entry)
            except Damage as problem:
                journal.damage(Damage(shown_path(entry.path), str(problem), str(problem)))
            journal.progress(words("tree: ", "Baum: ") + shown_path(entry.path)[:60])
    ranges = sum(body.kind == RANGE for _, body in chosen)
    count = len(chosen) - ranges
    journal.line(words(f"{len(packs)} packs, {ranges} ranges and {count} snapshots checked",
                       f"{len(packs)} Packs, {ranges} Bereiche und {count} Stände geprüft"))


def check_entry(tree, chunks, entry):
    tree.attributes(entry)
    if entry.form is None:
        return
    wanted = [entry.chunks[entry.stream]] if entry.form == 0 else tree.stream_chunks(entry)
    for digest, plain in wanted:
        if chunks.length(DATA, digest) != plain:
            raise Damage(f"chunk {digest.hex()}", "has another length than named",
                         "hat eine andere Länge als genannt")


def readable_time(when):
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(when[0]))
    except (OverflowError, ValueError, OSError):
        return f"{when[0]} s"


def list_snapshots(records):
    """One line a snapshot on stdout, separated by tabs."""
    found = sorted(records.of_kind(SNAPSHOT), key=lambda pair: (pair[1].time, pair[0].name))
    for record, body in found:
        paths = " ".join(shown(path) for path in body.paths)
        print(record.digest.hex()[:16], record.short, readable_time(body.time),
              shown(record.writer.name), shown(body.host), shown(body.data_set),
              words("files: ", "Dateien: ") + str(body.counts[0]),
              f"bytes: {body.counts[3]}", paths, sep="\t")


class Vault:
    """An unlocked vault."""

    def __init__(self, path, passphrase, root, plain, journal):
        self.journal, self.site = journal, Site(path, journal)
        self.keyring = keyring_in_force(self.site, journal, root)
        keys, observer = self.keyring.unlock(passphrase)
        self.records = Records(self.site, self.keyring, observer, journal)
        zstd = Zstd(plain)
        self.chunks = Chunks(self.site, self.keyring, keys, zstd, journal)
        self.units = Units(self.records, keys, zstd)

    def pack_list(self, record, body):
        """The pack list; without one, all packs there are."""
        try:
            return self.records.packs(record, body)
        except Damage as problem:
            self.journal.damage(problem)
            self.chunks.add_all()
            return {}

    def restore(self, record, body, target, includes, overwrite):
        self.journal.line(words("restoring ", "stelle wieder her: ") + record.short + ", "
                          + readable_time(body.time) + ", " + shown(body.host))
        for digest, size in self.pack_list(record, body).items():
            self.chunks.add(digest, size)
        tree = Tree(self.chunks, body, self.journal, includes)
        restorer = Restorer(target, overwrite, tree, self.journal)
        restorer.run()
        self.journal.line(words(f"{restorer.entries} entries, {restorer.bytes} bytes restored",
                                f"{restorer.entries} Einträge, {restorer.bytes} Bytes "
                                "wiederhergestellt"))
        if includes and not restorer.entries:
            raise Stop(words("nothing of --include is in the snapshot",
                             "nichts von --include ist im Stand"))
        if body.source == POSTGRES_BASE and body.postgres and not includes:
            PostgresLog(self, record, body, target).run()


# ---------------------------------------------------------------------------------------------
# Self-test (docs/format-vectors.json)


def cut(data, gear_key):
    """Lengths of the chunks that content-defined cutting gives (§ 9)."""
    gear = [int.from_bytes(hmac256(gear_key, bytes([i]))[:8], "little") for i in range(256)]
    whole, lengths, start = (1 << 64) - 1, [], 0
    while start < len(data):
        segment = min(len(data), (start // (64 * MIB) + 1) * 64 * MIB)
        end, f, position = min(segment, start + 2 * MIB), 0, start + 128 * KIB
        while position < end:
            f = (f << 1) + gear[data[position]] & whole
            position += 1
            if f >> (43 if position - start <= 512 * KIB else 47) == 0:
                end = position
        lengths.append(end - start)
        start = end
    return lengths


def self_test(path):
    with open(path, encoding="utf-8") as file:
        vectors = json.load(file)
    unhex = bytes.fromhex

    def keyed(vector):
        kind = vector["kind"].encode()
        return hmac256(derive(unhex(vector["domainSecret"]), b"zwilling " + kind + b" id"),
                       unhex(vector["plain"])).hex()

    def unit_key(vector):
        return Ratchet(unhex(vector["secret"])).key(int(vector["number"]))

    def gear(vector):
        key = derive(unhex(vector["domainSecret"]), b"zwilling gear")
        word = hmac256(key, bytes([int(vector["index"])]))[:8]
        return int.from_bytes(word, "little")

    def cuts(vector):
        seed, length = vector["seed"].encode(), int(vector["length"])
        stream = b"".join(sha256(seed, counter.to_bytes(8, "little"))
                          for counter in range(length // 32 + 1))
        key = derive(unhex(vector["domainSecret"]), b"zwilling gear")
        return cut(stream[:length], key)

    def token(vector):
        secret, root = unhex(vector["secret"]), unhex(vector["root"])
        context = unhex(vector["vault"]) + root
        name = derive(secret, b"zwilling invitation name", context)[:16].hex()
        key = derive(secret, b"zwilling invitation", context).hex()
        return (token_text(secret, root), name, key) == (
            vector["token"], vector["name"], vector["key"])

    groups = {
        "varint": lambda v: Reader(unhex(v["bytes"]), "varint").varint() == int(v["value"]),
        "signed": lambda v: Reader(unhex(v["bytes"]), "signed").signed() == int(v["value"]),
        "padme": lambda v: padme(int(v["length"])) == int(v["padded"]),
        "derive": lambda v: derive(unhex(v["secret"]), v["label"].encode(),
                                   unhex(v["context"])).hex() == v["key"],
        "gear": lambda v: gear(v) == int(v["word"]),
        "chunkId": lambda v: keyed(v) == v["id"],
        "cuts": lambda v: cuts(v) == [int(n) for n in v["chunks"]],
        "fingerprint": lambda v: fingerprint(unhex(v["publicKey"])).hex() == v["fingerprint"],
        "token": token,
        "unitKey": lambda v: (unit_key(v).hex(), commitment(unit_key(v)).hex()) == (
            v["key"], v["commitment"]),
    }
    failed = 0
    for name, holds in groups.items():
        right = [holds(vector) for vector in vectors.get(name, [])]
        failed += not right or not all(right)
        print(f"{name}: {sum(right)}/{len(right)}" + (
            "" if right and all(right) else words(" WRONG", " FALSCH")))
    return 1 if failed else 0


# ---------------------------------------------------------------------------------------------
# The command


def arguments(values):
    parser = argparse.ArgumentParser(
        prog="rescue.py", description=words(
            "Restores from a Zwilling vault without Zwilling.",
            "Stellt aus einem Zwilling-Tresor wieder her, ohne Zwilling."))

    def option(name, en, de, **more):
        parser.add_argument(name, help=words(en, de), **more)

    option("vault", "directory of the vault", "Verzeichnis des Tresors", nargs="?", metavar="VAULT")
    option("--to", "restore into this directory", "in dieses Verzeichnis wiederherstellen",
           metavar="DIR")
    option("--passphrase-file", "file with the passphrase, - for stdin; else it is asked for",
           "Datei mit der Passphrase, - für stdin; sonst wird gefragt", metavar="FILE")
    option("--snapshot", "latest, WRITER:NUMBER or start of the hash (--list shows them)",
           "latest, SCHREIBER:NUMMER oder Anfang der Prüfsumme (siehe --list)")
    option("--list", "list the snapshots", "Stände auflisten", action="store_true")
    option("--include", "restore only these paths", "nur diese Pfade", nargs="+", default=[],
           metavar="PATH")
    option("--check", "verify all packs and trees (of --snapshot, else of every one)",
           "alle Packs und Bäume prüfen (von --snapshot, sonst von allen)", action="store_true")
    option("--root-fingerprint", "the root's fingerprint on the recovery sheet",
           "Fingerabdruck der Wurzel auf dem Wiederherstellungsblatt", metavar="HEX")
    option("--overwrite", "the target need not be empty", "das Ziel muss nicht leer sein",
           action="store_true")
    option("--self-test", "check this program against the vectors of the format",
           "dieses Programm gegen die Vektoren des Formats prüfen", metavar="VECTORS.json")
    option("--plain", "do not use the package cryptography", "ohne das Paket cryptography",
           action="store_true")
    option("--lang", "language of messages", "Sprache der Meldungen", choices=["de", "en"])
    given = parser.parse_args(values)
    if not given.self_test and not (given.vault and (given.to or given.list or given.check)):
        parser.error(words("VAULT and one of --list, --check, --to are needed",
                           "nötig sind VAULT und eines von --list, --check, --to"))
    return given


def read_passphrase(path):
    """UTF-8 bytes; one newline at the end of a file is its editor's, not the passphrase's."""
    if path is None:
        return getpass.getpass(words("Passphrase: ", "Passphrase: ")).encode()
    try:
        with open(0 if path == "-" else path, "rb") as file:
            return re.sub(rb"\r?\n\Z", b"", file.read(MIB))
    except OSError as error:
        raise WrongUse(f"{path}: {error.strerror}") from None


def read_includes(paths):
    result = []
    for path in paths:
        path = os.fsencode(path)
        parts = tuple(part for part in path.split(b"/") if part)
        if not path.startswith(b"/") or b"." in parts or b".." in parts:
            raise WrongUse(words(f"{shown(path)} is not an absolute path",
                                 f"{shown(path)} ist kein absoluter Pfad"))
        result.append(parts)
    return result


def run(given, journal):
    choose_crypto(given.plain)
    if given.self_test:
        return self_test(given.self_test)
    root = None
    if given.root_fingerprint:
        digits = re.sub("[^0-9a-fA-F]", "", given.root_fingerprint)
        if len(digits) != 64:
            raise WrongUse(words("a root fingerprint has 64 hexadecimal digits",
                                 "ein Wurzel-Fingerabdruck hat 64 hexadezimale Ziffern"))
        root = bytes.fromhex(digits)
    includes = read_includes(given.include)
    vault = Vault(given.vault, read_passphrase(given.passphrase_file), root, given.plain, journal)
    if given.list:
        list_snapshots(vault.records)
    if given.check:
        chosen = [vault.records.choose(given.snapshot)] if given.snapshot else list(
            vault.records.of_kind(SNAPSHOT, RANGE))
        check(vault, chosen)
        if not given.snapshot:
            vault.units.check()
    if given.to:
        record, body = vault.records.choose(given.snapshot or "latest")
        vault.restore(record, body, given.to, includes, given.overwrite)
    return journal.end()


def main(values):
    global language
    for position, value in enumerate(values):
        chosen = value.partition("=")[2] or "".join(values[position + 1:position + 2])
        if value.split("=")[0] == "--lang":
            language = chosen
            break
    else:
        locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get(
            "LANG") or ""
        language = "de" if locale.startswith("de") else "en"
    journal = Journal()
    try:
        return run(arguments(values), journal)
    except WrongUse as problem:
        journal.line(str(problem))
        return 2
    except Damage as problem:
        journal.damage(problem)
        journal.end()
        return 1
    except Stop as problem:
        journal.loss("entry", str(problem))
        return journal.end()
    except OSError as error:
        journal.line(str(error))
        return 2
    except KeyboardInterrupt:
        journal.line(words("interrupted", "abgebrochen"))
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
