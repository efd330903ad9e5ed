# The addon of the bench: never shipped. `node bench/addon.mjs` builds it into build/bench/.
{
  "targets": [
    {
      "target_name": "bench",
      "sources": [
        "module.cc",
        "floor.cc",
        "primitives.cc",
        "ratchet.cc",
        "<!@(node -p \"require('fs').readdirSync('../../native/core').filter((f) => f.endsWith('.cc')).map((f) => '../../native/core/' + f).join('\\n')\")",
      ],
      "include_dirs": ["../../native", "."],
      "defines": ["NAPI_VERSION=9", "OPENSSL_API_COMPAT=30000", "OPENSSL_NO_DEPRECATED"],
      "cflags_cc!": ["-std=gnu++17", "-std=gnu++20"],
      "cflags_cc": ["-std=c++20", "-O3", "-Wall", "-Wextra", "-fvisibility=hidden", "-fvisibility-inlines-hidden"],
      "conditions": [
        ["OS=='linux'", { "ldflags": ["-Wl,-z,now", "-Wl,-z,nodelete", "-Wl,--exclude-libs,ALL"] }],
        ["OS=='mac'", {
          "xcode_settings": {
            "CLANG_CXX_LANGUAGE_STANDARD": "c++20",
            "GCC_OPTIMIZATION_LEVEL": "3",
            "MACOSX_DEPLOYMENT_TARGET": "11.0",
          },
        }],
        ["OS=='win'", {
          "defines": ["NOMINMAX", "WIN32_LEAN_AND_MEAN"],
          "msvs_settings": {
            "VCCLCompilerTool": {
              "AdditionalOptions": ["/std:c++20", "/Zc:__cplusplus", "/permissive-"],
              "AdditionalOptions!": ["/std:c++17", "-std:c++17"],
            },
          },
        }],
      ],
    },
  ],
}
