import FaultHarness
import Foundation

/// A library with a bug, loaded before those that the workers use: it crashes on certain bodies, as
/// libcurl or libcrypto might on input that nobody has thought of. Nothing of ours knows of it.
struct FaultyLibrary {
    /// Where it crashes.
    enum Bug: String {
        /// SHA256 of a body: when an intake entry is parsed.
        case hashing
        /// CURLOPT_POSTFIELDS: when a delivery is handed to libcurl.
        case posting
    }

    private let directory: String
    private let scratch: Scratch

    init(in scratch: Scratch) throws {
        self.scratch = scratch
        directory = try scratch.makeDirectory("faulty")
        let source = try scratch.write(Self.source, to: "faulty/faulty.c")
        try Program.run(
            "/usr/bin/env",
            ["clang", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, source, "-ldl"])
    }

    private var library: String { "\(directory)/libfaulty.so" }

    /// For a pool that is to use it.
    var environment: [String: String] {
        ["LD_PRELOAD": library, "FAULTY_LIBRARY_DIRECTORY": directory]
    }

    /// From now on it crashes on bodies with this word in them.
    func crash(_ bug: Bug, on word: String) throws {
        _ = try scratch.write(word, to: "faulty/\(bug.rawValue)")
    }

    func mend(_ bug: Bug) throws {
        try FileManager.default.removeItem(atPath: "\(directory)/\(bug.rawValue)")
    }

    private static let source = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <stdarg.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>

        static void look(const char *bug, const void *bytes, size_t count) {
            const char *directory = getenv("FAULTY_LIBRARY_DIRECTORY");
            char path[512], word[128] = "";
            if (!directory || !bytes) return;
            snprintf(path, sizeof path, "%s/%s", directory, bug);
            FILE *file = fopen(path, "r");
            if (!file) return;
            if (!fgets(word, sizeof word, file)) word[0] = 0;
            fclose(file);
            if (word[0] && memmem(bytes, count, word, strlen(word))) *(volatile int *)8 = 1;
        }

        unsigned char *SHA256(const unsigned char *bytes, size_t count, unsigned char *digest) {
            unsigned char *(*real)(const unsigned char *, size_t, unsigned char *) =
                (unsigned char *(*)(const unsigned char *, size_t, unsigned char *))
                    dlsym(RTLD_NEXT, "SHA256");
            look("hashing", bytes, count);
            return real(bytes, count, digest);
        }

        /* CURLOPT_POSTFIELDS, then CURLOPT_POSTFIELDSIZE_LARGE. */
        int curl_easy_setopt(void *easy, int option, ...) {
            int (*real)(void *, int, ...) = (int (*)(void *, int, ...))
                dlsym(RTLD_NEXT, "curl_easy_setopt");
            static _Thread_local const void *body;
            va_list arguments;
            va_start(arguments, option);
            void *value = va_arg(arguments, void *);
            va_end(arguments);
            if (option == 10015) body = value;
            if (option == 30120) look("posting", body, (size_t)value);
            return real(easy, option, value);
        }
        """
}
