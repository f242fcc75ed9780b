// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Files
import Ground

/// The files in which a machine shows what runs on it. What cannot be read is not there.
struct Surroundings {
    private let root: String

    init(root: String) { self.root = root.hasSuffix("/") ? String(root.dropLast()) : root }

    // MARK: Looking

    func names(in path: String) -> [String] {
        do throws(SystemError) {
            return try Descriptor.directory(Array((root + path).utf8)).names()
                .map { String(decoding: $0, as: UTF8.self) }.sorted()
        } catch { return [] }
    }

    func text(of path: String) -> String? {
        do throws(SystemError) {
            let bytes = try Machine.readWhole(Array((root + path).utf8), upTo: 4 << 20)
            return String(decoding: bytes, as: UTF8.self)
        } catch { return nil }
    }

    func target(of link: String, in path: String) -> String? {
        do throws(SystemError) {
            let directory = try Descriptor.directory(Array((root + path).utf8))
            return String(decoding: try directory.linkTarget(Array(link.utf8)), as: UTF8.self)
        } catch { return nil }
    }

    func exists(_ path: String) -> Bool { Machine.exists(Array((root + path).utf8)) }

    private static let programs = ["/usr/bin", "/usr/local/bin", "/bin", "/usr/sbin", "/opt/bin"]

    func hasProgram(_ name: String) -> Bool { Self.programs.contains { exists("\($0)/\(name)") } }

    var processes: [String] { names(in: "/proc").filter { $0.allSatisfy(\.isNumber) } }

    // MARK: Directories

    /// Where programs and people usually keep what they have made (Filesystem Hierarchy 3.0).
    private static let usual = ["/srv", "/opt", "/home", "/var/www", "/var/lib", "/var/opt"]

    /// What a system keeps about itself below /var/lib, and servers with a tool of their own.
    private static let ownOfSystem: Set = [
        "AccountsService", "NetworkManager", "PackageKit", "alsa", "alternatives", "apparmor",
        "apt", "apt-xapian-index", "aptitude", "aspell", "bluetooth", "boltd", "cni", "colord",
        "command-not-found", "containerd", "containers", "cloud", "dbus", "dhcp", "dhcpcd",
        "dictionaries-common", "dkms", "docker", "dpkg", "emacsen-common", "fwupd", "gdm3", "geoclue",
        "ghostscript", "git", "grub", "hp", "initramfs-tools", "ispell", "landscape", "lightdm",
        "locales", "logrotate", "lxcfs", "man-db", "misc", "mlocate", "mysql", "nfs", "ntpsec", "os-prober",
        "pam", "plymouth", "polkit-1", "postgresql", "private", "python", "sgml-base", "shim-signed", "snapd", "snmp",
        "software-properties", "sudo", "swcatalog", "systemd", "tpm", "ubuntu-advantage",
        "ubuntu-release-upgrader", "ucf", "udisks2", "unattended-upgrades", "update-manager",
        "update-notifier", "upower", "usb_modeswitch", "usbutils", "vim", "xfonts", "xkb",
        "xml-core", "zwilling", "chrony", "exim4", "ieee-data", "libuuid", "app-info", "gems", "ca-certificates-local",
    ]

    /// Directories with something in them, without those that are known otherwise.
    func directories(without known: [String]) -> [Found] {
        var found: [Found] = []
        if !names(in: "/var/lib/mysql").isEmpty { found.append(.mysql(directory: "/var/lib/mysql")) }
        for place in Self.usual {
            for name in names(in: place) where place != "/var/lib" || !Self.ownOfSystem.contains(name) {
                let path = "\(place)/\(name)"
                guard !names(in: path).isEmpty, !name.hasPrefix("lost+found") else { continue }
                let isKnown = known.contains { ($0 + "/").hasPrefix(path + "/") || (path + "/").hasPrefix($0 + "/") }
                if !isKnown { found.append(.directory(path: path)) }
            }
        }
        return found
    }
}
