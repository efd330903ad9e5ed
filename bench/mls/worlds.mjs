// The groups that are measured.

export const worlds = [
  { suite: 1, members: 2, populated: false },
  { suite: 1, members: 10, populated: false, quick: true },
  { suite: 1, members: 100, populated: false },
  { suite: 1, members: 1000, populated: false },
];
