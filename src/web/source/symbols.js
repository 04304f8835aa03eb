// The code symbols of the demo scene, module by module: each row is a number in hexadecimal whose
// bits, highest first, are the modules from left to right, dark where the bit is set. They are real
// symbols that any reader can read.

export const SYMBOLS = {
  qr_parcel: {
    text: "FRAMEGATE PARCEL 1",
    columns: 21,
    rows: [
      "feebf8", "82ca08", "ba62e8", "bacae8", "ba12e8", "827a08", "feabf8", "00f800", "b77a58",
      "4c0f28", "72d6b0", "6c2228", "db6fc8", "00a340", "fed210", "829990", "ba20e0", "baab10",
      "bab4e0", "8246e0", "fef510",
    ],
  },
  qr_badge: {
    text: "HELLO FROM THE DEMO",
    columns: 21,
    rows: [
      "fe8bf8", "82a208", "ba6ae8", "baa2e8", "ba32e8", "824208", "feabf8", "00b000", "b74258",
      "a9ef78", "2391a0", "358c30", "7f1aa0", "00b430", "fe9dd8", "82a930", "ba5900", "ba8b50",
      "bac6c0", "825340", "fe83d0",
    ],
  },
  data_matrix: {
    text: "Framegate part 42",
    columns: 26,
    rows: [
      "aaaaaa8", "f0f63ac", "d5f8c70", "fd6aa8c", "a6a90e0", "ec0101c", "fecb548", "c7a4464",
      "a9ac310", "f2215a4", "81e36c0", "ffffffc",
    ],
  },
  aztec: {
    text: "Framegate boarding demo",
    columns: 19,
    rows: [
      "34056", "e78e8", "fb3e8", "ed784", "1d4a0", "bffe8", "44060", "adf5c", "35146", "9557e",
      "7d150", "f5f4c", "04074", "67fec", "80d1c", "725da", "08c64", "02082", "3d2c2",
    ],
  },
  pdf417: {
    text: "Framegate demo",
    columns: 103,
    rows: [
      "ff547d5f35061ed70f5787f452", "ff547a843e6cdece6f5207f452", "ff54757e2d0399c4ea8787f452",
      "ff546bcfb186d4108af3c7f452", "ff546b823d8357eb0f5ce7f452", "ff547af42143d0af0f5f67f452",
      "ff5474efa36111cf6d3bc7f452", "ff547e97237c9e412afdc7f452", "ff5469bf231bdc5f4fa747f452",
    ],
  },
  code_128: {
    text: "FG-2048",
    columns: 101,
    rows: [
      "d2118b444dcbbd93bbb4dcc758",
    ],
  },
  ean_13: {
    text: "2001234567893",
    columns: 95,
    rows: [
      "a346b336f4eaa7508923a42a",
    ],
  },
};
