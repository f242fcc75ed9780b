// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground

// Numbers only: the system itself is called nowhere but in `Files`.
import var Glibc.EBADMSG
import var Glibc.EINVAL
import var Glibc.EIO
import var Glibc.ENOTDIR
import var Glibc.ENOTSUP
import var Glibc.EREMOTEIO
import var Glibc.EUCLEAN

extension SystemError {
    /// The disk or the file system cannot give back what it has taken.
    var isUnreadable: Bool { [EIO, EREMOTEIO, EUCLEAN, EBADMSG].contains(code) }

    var isNoDirectory: Bool { code == ENOTDIR }
}

extension Descriptor {
    /// When this returns, the names in this directory survive a loss of power, as far as its file
    /// system can promise it: some (SMB, some of FUSE) refuse fsync for directories altogether,
    /// and keep names in order by themselves.
    borrowing func synchronizeNames() throws(SystemError) {
        do throws(SystemError) {
            try synchronize()
        } catch {
            guard [EINVAL, ENOTSUP].contains(error.code) else { throw error }
        }
    }
}
