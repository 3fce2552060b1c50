import Connect
import HTTPTransport
import LinuxIO
import LinuxSystem
import NIOCore
import NIOHTTP1
import SystemPackage

extension FileTransfer {
    // MARK: As it is

    /// Sends what `plan` wants of a file whose size is known.
    func send(_ plan: DownloadPlan, of file: OpenedFile, _ exchange: HTTPExchange) async {
        let progress = TransferProgress(exchange)
        guard plan.status != .notModified, plan.length > 0 else {
            exchange.respond(plan, of: ByteBuffer())
            return
        }
        var headers = plan.headers
        headers.add(name: "Content-Length", value: String(plan.length))
        exchange.begin(plan.status, headers)
        for segment in plan.segments {
            let isSent: Bool
            switch segment {
            case .text(let text):
                exchange.write(ByteBuffer(string: text))
                isSent = true
            case .file(let range) where exchange.supportsFileRegions:
                isSent = await self.sendRegions(range, of: file.file, progress, exchange)
            case .file(let range):
                let reader = PieceReader(file.file, range: range, pieceBytes: self.limits.pieceBytes)
                isSent = await self.pump(reader, progress, exchange)
            }
            guard isSent else { return exchange.abort() }
        }
        exchange.end()
    }

    /// Has the kernel send `range`, a region at a time, so that other connections get their turn.
    ///
    /// - Returns: false if not all of it could be sent.
    private func sendRegions(
        _ range: Range<Int>, of file: OpenFile, _ progress: TransferProgress, _ exchange: HTTPExchange
    ) async -> Bool {
        await file.withHandle { handle in
            var start = range.lowerBound
            while start < range.upperBound {
                guard !progress.isOver else { return false }
                let end = min(start + self.limits.regionBytes, range.upperBound)
                let sent = exchange.eventLoop.makePromise(of: Void.self)
                exchange.write(
                    file: FileRegion(fileHandle: handle, readerIndex: start, endIndex: end), promise: sent)
                exchange.flush()
                let watch = self.watch(file, upTo: end, exchange)
                let next = end..<min(end + self.limits.regionBytes, range.upperBound)
                if !next.isEmpty { await self.pool.run { file.willNeed(next) } }
                let isSent = (try? await sent.futureResult.get()) != nil
                watch.cancel()
                guard isSent else { return false }
                start = end
            }
            return true
        }
    }

    /// Aborts the exchange if `file` becomes shorter than `end`: where it has no bytes, the kernel would send none for
    /// ever.
    private func watch(_ file: OpenFile, upTo end: Int, _ exchange: HTTPExchange) -> RepeatedTask {
        // The next look is one that the last has returned for: a file system may not answer for long.
        exchange.eventLoop.scheduleRepeatedAsyncTask(
            initialDelay: Self.shrinkCheck, delay: Self.shrinkCheck
        ) { _ in
            let looked = exchange.eventLoop.makePromise(of: Void.self)
            _ = self.executor.startTask {
                let size = await self.pool.run { (try? file.status().size) ?? 0 }
                if size < end { exchange.abort() }
                looked.succeed()
            }
            return looked.futureResult
        }
    }

    /// Time between looks at the size of a file that is being sent.
    private static let shrinkCheck = TimeAmount.milliseconds(500)

    // MARK: In pieces

    /// Sends what a file gives, however much that is.
    func sendToEnd(
        _ file: OpenedFile, from start: ByteBuffer, _ headers: HTTPHeaders, _ exchange: HTTPExchange
    ) async {
        let progress = TransferProgress(exchange)
        var headers = headers
        headers.add(name: "Content-Type", value: file.type)
        if let modified = file.modified {
            headers.add(name: "Last-Modified", value: HTTPDate.format(modified))
        }
        exchange.begin(.ok, headers)
        exchange.write(start)
        exchange.flush()
        let reader = PieceReader(file.file, range: nil, pieceBytes: self.limits.pieceBytes)
        guard await self.pump(reader, progress, exchange) else { return exchange.abort() }
        exchange.end()
    }

    /// Sends what `reader` reads.
    ///
    /// - Returns: false if that was not all.
    private func pump(
        _ reader: PieceReader, _ progress: TransferProgress, _ exchange: HTTPExchange
    ) async -> Bool {
        while !progress.isOver {
            do throws(Errno) {
                guard let piece = try await self.pool.run({ () throws(Errno) in try reader.next() }) else {
                    return true
                }
                exchange.write(piece)
                exchange.flush()
            } catch {
                return false
            }
            if !exchange.isWritable { await exchange.writable() }
        }
        return false
    }

    // MARK: Compressed

    /// Answers with a file that has been compressed already.
    func respond(
        compressed bytes: ByteBuffer, _ file: OpenedFile, _ headers: HTTPHeaders, _ exchange: HTTPExchange
    ) {
        exchange.begin(.ok, Self.gzipHeaders(file, headers))
        exchange.write(bytes)
        exchange.end()
    }

    /// Compresses a file while it is sent, as much as the client's pace leaves time for.
    func sendCompressed(
        _ file: OpenedFile, _ member: GzipMember, from start: ByteBuffer, saved: Int, _ headers: HTTPHeaders,
        _ exchange: HTTPExchange
    ) async {
        let progress = TransferProgress(exchange)
        exchange.begin(.ok, Self.gzipHeaders(file, headers))
        exchange.write(start)
        exchange.flush()
        let reader = PieceReader(file.file, range: nil, pieceBytes: self.limits.pieceBytes)
        let writer = GzipPieces(reader, member)
        let pace = GzipPace(saved: saved)
        while !progress.isOver {
            let effort = pace.effort
            let piece: GzipPieces.Piece?
            do throws(Errno) {
                piece = try await self.pool.run { () throws(Errno) in try writer.next(effort) }
            } catch {
                return exchange.abort()
            }
            guard let piece else { break }
            pace.made(piece, effort)
            self.write(piece.bytes, pace, exchange)
            if !exchange.isWritable { await exchange.writable() }
        }
        guard !progress.isOver else { return }
        var end = ByteBuffer()
        member.end(into: &end)
        exchange.write(end)
        exchange.end()
    }

    /// Writes a piece, and has `pace` know when the client has taken it.
    private func write(_ bytes: ByteBuffer, _ pace: GzipPace, _ exchange: HTTPExchange) {
        let sent = exchange.eventLoop.makePromise(of: Void.self)
        let begun = NIODeadline.now()
        sent.futureResult.assumeIsolated().whenSuccess { pace.sent(bytes.readableBytes, begun) }
        exchange.write(bytes, promise: sent)
        exchange.flush()
    }

    private static func gzipHeaders(_ file: OpenedFile, _ headers: HTTPHeaders) -> HTTPHeaders {
        var headers = headers
        headers.add(name: "Content-Type", value: file.type)
        headers.add(name: "Content-Encoding", value: "gzip")
        return headers
    }
}

extension HTTPExchange {
    /// Answers with what `plan` wants of a file that is in memory.
    func respond(_ plan: DownloadPlan, of bytes: ByteBuffer) {
        var body = ByteBuffer()
        for segment in plan.segments {
            switch segment {
            case .text(let text):
                body.writeString(text)
            case .file(let range):
                guard var part = bytes.getSlice(at: bytes.readerIndex + range.lowerBound, length: range.count)
                else { return self.abort() }
                if body.readableBytes == 0 { body = part } else { body.writeBuffer(&part) }
            }
        }
        self.respond(plan.status, plan.headers, body: body)
    }
}
