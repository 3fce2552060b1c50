import NIOCore
import NIOHTTP1

/// The files in a form that is being received. Belongs to the task that reads it.
final class UploadForm {
    /// A part that is a file.
    struct Part {
        /// With its directories; not always UTF-8, nil if there is none.
        let fileName: [UInt8]?
    }

    /// The form's field that has files.
    private static let field = "file"

    private let body: UploadBody
    private let partLimit: Int
    private var parser: MultipartParser
    private var parts = 0
    /// A part has begun and not ended.
    private var isInPart = false
    private var quotedPrintable: QuotedPrintableDecoder?

    /// - Throws: ``TransferFailure`` if `contentType` is not one of a form.
    init(_ contentType: String, _ body: UploadBody, _ limits: TransferLimits) throws(TransferFailure) {
        self.body = body
        self.partLimit = limits.parts
        guard let type = try? MediaType(contentType),
            type.name == "multipart/form-data" || type.name == "multipart/mixed"
        else {
            throw Self.formFailure("request Content-Type isn't multipart/form-data")
        }
        guard let boundary = type.parameters["boundary"] else {
            throw Self.formFailure("no multipart boundary param in Content-Type")
        }
        guard !boundary.isEmpty else { throw Self.readFailure("multipart: boundary is empty") }
        self.parser = MultipartParser(boundary: boundary)
    }

    private static func formFailure(_ reason: String) -> TransferFailure {
        TransferFailure(.internalServerError, "error parsing multipart form: \(reason)")
    }

    private static func readFailure(_ reason: String) -> TransferFailure {
        TransferFailure(.internalServerError, "error reading form: \(reason)")
    }

    /// Goes on to the next file; nil at the form's end. What is left of the part before it is skipped.
    func nextFile() async throws(TransferFailure) -> Part? {
        while let event = try await self.nextEvent() {
            switch event {
            case .part(let headers):
                self.isInPart = true
                self.parts += 1
                guard self.parts <= self.partLimit else {
                    throw TransferFailure(.badRequest, "the form has more than \(self.partLimit) parts")
                }
                guard headers.field == Self.field else { continue }
                self.quotedPrintable = headers.isQuotedPrintable ? QuotedPrintableDecoder() : nil
                return Part(fileName: headers.fileName)
            case .content: continue
            case .partEnd: self.isInPart = false
            case .end: return nil
            }
        }
        return nil
    }

    /// The next bytes of the file; nil at its end.
    func nextBytes() async throws(TransferFailure) -> ByteBuffer? {
        while self.isInPart {
            let event: MultipartParser.Event?
            do throws(MultipartParser.Problem) {
                event = try self.parser.next()
            } catch {
                throw TransferFailure(.internalServerError, "error writing file: \(error.text)")
            }
            switch event {
            case nil: try await self.feed()
            case .content(let bytes):
                guard let decoded = self.quotedPrintable?.decode(bytes) else { return bytes }
                if decoded.readableBytes > 0 { return decoded }
            case .part, .partEnd, .end:
                self.isInPart = false
                return self.quotedPrintable?.finish()
            }
        }
        return nil
    }

    private func nextEvent() async throws(TransferFailure) -> MultipartParser.Event? {
        while true {
            do throws(MultipartParser.Problem) {
                if let event = try self.parser.next() { return event }
            } catch {
                // The reference notices the end of a part that it skips when it looks for the next one.
                let text =
                    self.isInPart && error == .endsInsidePart
                    ? MultipartParser.Problem.endsBetweenParts.text : error.text
                throw Self.readFailure(text)
            }
            try await self.feed()
        }
    }

    private func feed() async throws(TransferFailure) {
        if let bytes = try await self.body.next() {
            self.parser.feed(bytes)
        } else {
            self.parser.finish()
        }
    }
}
