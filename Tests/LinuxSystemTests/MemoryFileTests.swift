import Glibc
import LinuxSystem
import SystemPackage
import Testing

@Suite struct MemoryFileTests {
    @Test func `its content can be read again and again, until it is cleared`() throws {
        let file = try MemoryFile(Array("secret".utf8))
        for _ in 0..<2 {
            #expect(
                try MemoryFile.content(ofInherited: file.rawDescriptor, limit: 100) == Array("secret".utf8))
        }
        #expect(try MemoryFile.content(ofInherited: file.rawDescriptor, limit: 3) == Array("sec".utf8))
        file.clear()
        #expect(try MemoryFile.content(ofInherited: file.rawDescriptor, limit: 100) == [])
    }

    @Test func `nobody but root may open it by its number`() async throws {
        let file = try MemoryFile([1])
        var status = stat()
        #expect(fstat(file.rawDescriptor, &status) == 0)
        #expect(status.st_mode & 0o777 == 0)
        #expect(fcntl(file.rawDescriptor, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test func `what is no descriptor is an error`() {
        #expect(throws: Errno.badFileDescriptor) {
            try MemoryFile.content(ofInherited: 1 << 20, limit: 1)
        }
    }
}
