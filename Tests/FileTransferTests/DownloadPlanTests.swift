import LinuxSystem
import NIOHTTP1
import Testing

@testable import FileTransfer

@Suite struct DownloadPlanTests {
    private func plan(_ headers: HTTPHeaders, size: Int = 100, modified: Int? = 784_111_777) throws
        -> DownloadPlan
    {
        let account = Account(name: "u", uid: 1, gid: 1, home: "/", shell: "", groups: [1])
        let path = try TargetPath(Array("/f".utf8), for: account, workingDirectory: nil)
        let request = DownloadRequest(path: path, askedPath: "/f", headers: headers)
        return DownloadPlan(request, size: size, modified: modified, type: "a/b", ["Vary": "V"])
    }

    @Test func `the whole file`() throws {
        let plan = try self.plan([:])
        #expect(plan.status == .ok)
        #expect(plan.segments == [.file(0..<100)])
        #expect(plan.headers.first(name: "accept-ranges") == "bytes")
        #expect(plan.headers.first(name: "last-modified") == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(plan.headers.first(name: "vary") == "V")
        #expect(try self.plan([:], modified: nil).headers.contains(name: "last-modified") == false)
    }

    @Test func `one range is a part, several are parts with boundaries`() throws {
        let one = try self.plan(["Range": "bytes=10-19"])
        #expect(one.status == .partialContent)
        #expect(one.segments == [.file(10..<20)])
        #expect(one.headers.first(name: "content-range") == "bytes 10-19/100")
        let two = try self.plan(["Range": "bytes=0-0,-1"])
        #expect(two.segments.count == 5)
        #expect(two.segments[1] == .file(0..<1))
        #expect(two.segments[3] == .file(99..<100))
        #expect(two.length == two.segments.reduce(0) { $0 + $1.count })
    }

    @Test func `what is not to be sent has no body`() throws {
        #expect(try self.plan(["If-None-Match": "*"]).segments.isEmpty)
        #expect(try self.plan(["If-Match": "\"x\""]).status == .preconditionFailed)
        let behind = try self.plan(["Range": "bytes=100-"])
        #expect(behind.status == .rangeNotSatisfiable)
        #expect(behind.headers.first(name: "content-range") == "bytes */100")
    }

    @Test func `conditions that leave room for gzip do not count where it was chosen`() throws {
        #expect(try self.plan(["If-Match": "\"x\"", "Accept-Encoding": "gzip"]).status == .ok)
    }
}
