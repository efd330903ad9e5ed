// What the chart of Context draws: the throughput of sealing, by size.

const megabytes = (size) => (nanoseconds) => (size / nanoseconds) * 1000;

export const series = {
  title: "Context: sealing with AES-256-GCM, by size of the message",
  axis: "MB/s of one thread",
  groups: [
    { result: "encryptInto 64 B", label: "64 B", scale: megabytes(64) },
    { result: "encryptInto 256 B", label: "256 B", scale: megabytes(256) },
    { result: "encryptInto 1 KiB", label: "1 KiB", scale: megabytes(1024) },
    { result: "encryptInto 16 KiB", label: "16 KiB", scale: megabytes(16384) },
    { result: "encryptInto 1 MiB", label: "1 MiB", scale: (gigabytes) => gigabytes * 1000 },
  ],
};
