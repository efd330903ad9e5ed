// What durable state may cost. `against` names a peer; without it the target is the value itself.
export const targets = [
  { name: "send 256 B, SQLite", against: "MemoryStorage", times: 0.7 },
  { name: "octets written for a message sent", atMost: 200 },
  { name: "load a group of 10,000 members, SQLite", atMost: 100 },
];
