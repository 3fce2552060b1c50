internal import Glibc

/// Decides whether a request for `/files` may go on: by the access token, or by a signature that somebody who has
/// it made for this path, operation and user.
package struct FileSigning: Sendable {
    /// What a request asks for and shows.
    package struct Request: Sendable {
        package var operation: FileSignature.Operation
        /// The query parameter `path` as it was sent, decoded; nil if there is none.
        package var path: String?
        /// The query parameter `username`, decoded; nil if there is none.
        package var user: String?
        /// The query parameter `signature`, decoded; nil if there is none.
        package var signature: String?
        /// The query parameter `signature_expiration`: seconds since 1970.
        package var expiration: Int64?
        /// The query parameter `signature_max_bytes`: bytes that the body may have.
        package var maximumBytes: Int64?
        /// The first `X-Access-Token` header.
        package var token: String?

        package init(
            operation: FileSignature.Operation, path: String?, user: String?, signature: String?,
            expiration: Int64?, maximumBytes: Int64?, token: String?
        ) {
            self.operation = operation
            self.path = path
            self.user = user
            self.signature = signature
            self.expiration = expiration
            self.maximumBytes = maximumBytes
            self.token = token
        }
    }

    /// What a request may do.
    package struct Grant: Sendable, Equatable {
        /// Bytes that its body may have; nil for any number.
        package var maximumBodyBytes: Int64?
    }

    /// Why a request is answered with 401.
    package struct Refusal: Error, Equatable {
        package var message: String
    }

    private let policy: AccessPolicy
    private let now: @Sendable () -> Int64

    /// - Parameter now: the present time in seconds since 1970.
    package init(_ policy: AccessPolicy, now: @escaping @Sendable () -> Int64 = { Int64(time(nil)) }) {
        self.policy = policy
        self.now = now
    }

    /// Checks a request. While there is no token, every request that was let in may go on.
    ///
    /// - Throws: ``Refusal`` with the message that clients know.
    package func check(_ request: Request) throws(Refusal) -> Grant {
        guard let token = self.policy.token else { return Grant() }
        if let given = request.token, !given.isEmpty {
            guard token.matches(given) else {
                throw Refusal(message: "access token present in header but does not match")
            }
            return Grant()
        }
        guard let signature = request.signature else {
            throw Refusal(message: "missing signature query parameter")
        }
        let isSecond = signature.hasPrefix(FileSignature.secondPrefix)
        let expected =
            isSecond ? FileSignature.second(of: request, token) : FileSignature.first(of: request, token)
        guard let expected, FileSignature.areEqual(expected, signature) else {
            throw Refusal(message: "invalid signature")
        }
        if let expiration = request.expiration, expiration < self.now() {
            throw Refusal(message: "signature is already expired")
        }
        return Grant(maximumBodyBytes: isSecond ? request.maximumBytes : nil)
    }
}
