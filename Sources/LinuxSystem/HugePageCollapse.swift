internal import Glibc
package import SystemPackage

/// Moving a process's own memory into huge pages, so that a saved machine has fewer pages to load again.
///
/// - SeeAlso: madvise(2), `MADV_COLLAPSE` (Linux 6.1).
package enum HugePageCollapse {
    /// What it did.
    package struct Outcome: Sendable, Equatable {
        /// Mappings that were looked at.
        package var regions = 0
        /// Windows of the size of a huge page that were tried.
        package var chunks = 0
        /// Of these, windows that the kernel refused.
        package var skipped = 0
        /// Of the rest, windows that are in a huge page since.
        package var collapsed = 0
        /// Of the rest, windows that were in one before.
        package var alreadyHuge = 0

        package init() {}

        /// Tells the windows that succeeded apart, by how much memory in huge pages there is more.
        ///
        /// - Parameter growth: bytes; nil if unknown.
        package mutating func split(growth: Int?) {
            let succeeded = self.chunks - self.skipped
            guard let growth, growth >= 0 else {
                self.collapsed = succeeded
                self.alreadyHuge = 0
                return
            }
            self.collapsed = min(growth / HugePageCollapse.pageBytes, succeeded)
            self.alreadyHuge = succeeded - self.collapsed
        }
    }

    /// Bytes of a huge page.
    package static let pageBytes = 2 << 20

    /// Collapses the private memory of this process.
    ///
    /// - Parameter isCancelled: asked before each window.
    /// - Throws: `Errno.canceled`, or why /proc cannot be read.
    package static func run(isCancelled: () -> Bool) throws(Errno) -> Outcome {
        let regions = Self.regions(in: try KernelText.read("/proc/self/maps"))
        let before = Self.hugeBytes()
        var outcome = Outcome()
        outcome.regions = regions.count
        for region in regions {
            Self.advise(region, MADV_HUGEPAGE)
            for window in Self.windows(in: region) {
                if isCancelled() { throw .canceled }
                outcome.chunks += 1
                if !Self.advise(window, Self.collapseAdvice) { outcome.skipped += 1 }
            }
        }
        let after = Self.hugeBytes()
        outcome.split(growth: before.flatMap { before in after.map { $0 - before } })
        return outcome
    }

    /// `MADV_COLLAPSE` of `asm-generic/mman-common.h`.
    private static let collapseAdvice: CInt = 25

    @discardableResult
    private static func advise(_ range: Range<UInt>, _ advice: CInt) -> Bool {
        madvise(UnsafeMutableRawPointer(bitPattern: range.lowerBound), range.count, advice) == 0
    }

    /// The readable and writable mappings without a name in the text of /proc/self/maps.
    package static func regions(in maps: String) -> [Range<UInt>] {
        maps.split(separator: "\n").compactMap { line in
            // range, permissions, offset, device, inode, name
            let fields = line.split(separator: " ")
            guard fields.count == 5, fields[1].hasPrefix("rw") else { return nil }
            let ends = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            guard ends.count == 2, ends[0] < ends[1] else { return nil }
            return ends[0]..<ends[1]
        }
    }

    /// The places for huge pages that lie in a region entirely.
    package static func windows(in region: Range<UInt>) -> [Range<UInt>] {
        let size = UInt(Self.pageBytes)
        let (padded, overflows) = region.lowerBound.addingReportingOverflow(size - 1)
        guard !overflows else { return [] }
        let first = padded / size * size
        return stride(from: first, to: region.upperBound, by: Int(size))
            .filter { region.upperBound - $0 >= size }
            .map { $0..<$0 + size }
    }

    /// Bytes of this process's private memory that are in huge pages; nil if the kernel does not tell.
    private static func hugeBytes() -> Int? {
        guard let text = try? KernelText.read("/proc/self/smaps_rollup") else { return nil }
        for line in text.split(separator: "\n") where line.hasPrefix("AnonHugePages:") {
            let fields = line.split(separator: " ")
            return fields.count > 1 ? Int(fields[1]).map { $0 << 10 } : nil
        }
        return nil
    }
}
