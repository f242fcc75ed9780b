// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Files
import Ground
import Synchronization
import Wire

/// Takes the mail of a drill; started by Zwilling itself.
struct MailSinkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "mail-sink", shouldDisplay: false)

    @Argument var port: Int
    /// Holds how many came.
    @Argument var file: PathArgument

    mutating func run() async throws {
        let path = file.bytes
        let count = Mutex(0)
        try await MailSink(address: "0.0.0.0", port: port) { _ in
            count.withLock { count in
                count += 1
                do throws(SystemError) { try Machine.writeDurably(path, Array("\(count)".utf8)) } catch {
                    // The report says one fewer.
                }
            }
        }.run()
    }
}
