interface Help {
  readonly summary: string;
  readonly usage: string;
  readonly text: string;
}

const keyOptions = `  -k, --key-file FILE      the key, made by tinymls keygen
      --passphrase-file F  a passphrase, the one line of a file; with --key-file that of the key file
  -p, --passphrase         ask for a passphrase at the terminal`;

const exits = `Exit codes: 0 done, 1 failed (damaged data, wrong key), 2 wrong command line, 3 a file, permission or algorithm is missing.`;

/** What each command does, in words. */
export const commands: Readonly<Record<string, Help>> = {
  demo: {
    summary:
      "the main job on real input: a group whose members crash and recover, streams, rotation, threads, tampering",
    usage: "tinymls demo [--seconds N] [--file FILE]",
    text: `Three processes form a group, are killed in the middle of their work and go on from SQLite files (with libsql or better-sqlite3
installed). Seals real files through streams, ratchets and rotates the keys, shares one Context between two threads, tampers with
frames, opens everything again and compares. Ends with a table and figures; exit code 0 means that every check held.

  --seconds N   how long the two threads run, 1 to 30; 3 when not given
  --file FILE   a file of yours among those that are sealed`,
  },
  keygen: {
    summary: "make a key file",
    usage: "tinymls keygen [FILE] [--force] [--passphrase | --passphrase-file F]",
    text: `Writes a new key to FILE, which only its owner may read; "-" is standard output. Without FILE it is the default key, which seal and open use
when none is named: $TINYMLS_KEY_FILE, or tinymls/default.key in the configuration folder ($XDG_CONFIG_HOME, ~/.config).

  -f, --force              replace a key that is there
  -p, --passphrase         protect the key with a passphrase, asked for at the terminal
      --passphrase-file F  the same, with the one line of a file`,
  },
  seal: {
    summary: "encrypt a file or a pipe",
    usage: "tinymls seal [FILE] [-o OUT] [--key-file K | --passphrase-file P | --passphrase]",
    text: `Seals FILE, or standard input, to OUT, or standard output. Memory stays constant at any size. OUT appears when it is complete.
With no key named: the default key of tinymls keygen, or else a passphrase asked for at the terminal.

${keyOptions}
  -o, --output OUT         where to write
      --suite SUITE        aes-256-gcm (default), aes-128-gcm, chacha20-poly1305
      --progress           show progress although standard error is no terminal`,
  },
  open: {
    summary: "decrypt what seal made",
    usage: "tinymls open [FILE] [-o OUT] [--key-file K | --passphrase-file P]",
    text: `Opens FILE, or standard input, to OUT, or standard output. Each chunk is verified before it is written. With -o nothing is left behind unless
all of it was authentic. On a pipe the chunks before a damaged one were written already: trust the output only after exit code 0.

${keyOptions}
  -o, --output OUT         where to write
      --progress           show progress although standard error is no terminal`,
  },
  inspect: {
    summary: "explain an MLS message, draw a ratchet tree",
    usage: "tinymls inspect FILE|- [--svg OUT]",
    text: `Tells what an MLS message is (RFC 9420): type, group, epoch, sender, proposals, credentials. Also a bare KeyPackage, GroupInfo or ratchet tree.
The input is binary, hexadecimal or base64; which one is found out. Nothing is verified.

      --svg OUT            draw the ratchet tree in it as SVG; "-" is standard output, without the words then`,
  },
  doctor: {
    summary: "what this machine offers, and what is missing",
    usage: "tinymls doctor [--json]",
    text: `Checks platform, OpenSSL, CPU features, algorithms, locked memory. Exit code 1 when something essential is missing.

      --json               for programs`,
  },
  bench: {
    summary: "a quick measurement against node:crypto",
    usage: "tinymls bench [--json] [--seconds N]",
    text: `Measures encryptInto and decryptInto of 64 B and of 1 MiB, and the same work by node:crypto, in turns in one run.

      --json               for programs
      --seconds N          about how long, 1 to 60; 4 when not given`,
  },
};

export function commandHelp(name: string): string {
  const { usage, text } = commands[name]!;
  return `Usage: ${usage}\n\n${text}\n\n${exits}`;
}

export function overview(): string {
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(9)} ${summary}`);
  return `Usage: tinymls COMMAND [OPTIONS]

${lines.join("\n")}
  help      this text; help COMMAND tells more

  --version

${exits}`;
}
