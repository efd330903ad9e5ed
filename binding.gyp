{
  "targets": [
    {
      "target_name": "tinymls",
      "sources": ["<!@(node scripts/sources.mjs)"],
      "include_dirs": ["native", "<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": [
        "NAPI_VERSION=9",
        "NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS",
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS",
        "OPENSSL_API_COMPAT=30000",
        "OPENSSL_NO_DEPRECATED",
      ],
      "cflags_cc!": ["-std=gnu++17", "-std=gnu++20"],
      "cflags_cc": [
        "-std=c++20",
        "-O3",
        "-Wall",
        "-Wextra",
        "-Wno-missing-field-initializers",
        "-fvisibility=hidden",
        "-fvisibility-inlines-hidden",
      ],
      "configurations": {
        # `node scripts/build.mjs --sanitize`: the release build under AddressSanitizer and UndefinedBehaviorSanitizer.
        "Sanitize": {
          "inherit_from": ["Release"],
          "cflags_cc": ["-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
          "ldflags": ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
        },
      },
      "conditions": [
        ["OS=='linux'", {
          # nodelete: threads and exit handlers of the addon outlive the worker that loaded it.
          "cflags_cc": ["-fno-plt"],
          "ldflags": ["-Wl,-z,now", "-Wl,-z,relro", "-Wl,-z,nodelete", "-Wl,--exclude-libs,ALL"],
        }],
        ["OS=='mac'", {
          "xcode_settings": {
            "CLANG_CXX_LANGUAGE_STANDARD": "c++20",
            "GCC_ENABLE_CPP_EXCEPTIONS": "NO",
            "GCC_OPTIMIZATION_LEVEL": "3",
            "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
            "MACOSX_DEPLOYMENT_TARGET": "11.0",
          },
        }],
        ["OS=='win'", {
          "defines": ["_HAS_EXCEPTIONS=0", "NOMINMAX", "WIN32_LEAN_AND_MEAN"],
          "msvs_settings": {
            "VCCLCompilerTool": {
              "ExceptionHandling": 0,
              "AdditionalOptions": ["/std:c++20", "/Zc:__cplusplus", "/permissive-"],
              "AdditionalOptions!": ["/std:c++17", "-std:c++17"],
            },
          },
        }],
      ],
    },
  ],
}
