// Hears of every change, and tells nobody: what a recorder by mutation records costs at least.
const heard: MutationRecord[] = [];
const observer = new MutationObserver((list) => heard.push(...list));
globalThis.contender = {
  start: async () => observer.observe(document, { childList: true, attributes: true, characterData: true, characterDataOldValue: true, subtree: true }),
  again() {},
  take: async () => ({ raw: 0, deflated: 0 }),
  stop: () => observer.disconnect(),
};
export {};
