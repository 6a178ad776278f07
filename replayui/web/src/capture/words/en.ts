/**
 * Every text of the element on the user's page. An operator may set any of them
 * by its name (`assist: words:` in the configuration); the build gives each part
 * its own language in place of this file (build.mjs). What stands in braces is
 * put in.
 */
export const words = {
  // before anybody sees the page
  moment: "One moment…",
  read: "Read this code to your agent",
  code: "Code {code}",
  asked: "You are asked before anyone sees this page.",
  hidden: "Passwords are never shown.",
  anytime: "You can stop at any time.",
  until: "Good until {time}, and once.",
  past: "This code has expired.",
  cancel: "Cancel",
  have: "I have a code from my agent",
  digits: "Code of 12 digits from your agent",
  next: "Next",
  wrong: "This code is not known, or was used before. Ask your agent to read it out again.",
  many: "Too many wrong codes. Please wait a few minutes.",

  // who may see it
  help: "{name} would like to help you",
  watch: "{name} would like to watch",
  agent: "Agent",
  supervisor: "Supervisor",
  administrator: "Administrator",
  sees: "{name} then sees this site as you see it. Passwords stay hidden. The session is recorded.",
  may: "What may {name} do?",
  view: "Look only",
  point: "Point and draw",
  propose: "Suggest changes, I confirm each",
  act: "Make changes for me",
  change: "You can change this at any time. {key} stops it at once.",
  no: "No",
  allow: "Allow",

  // while it is shared
  shared: "You share this site with",
  acts: "acts",
  level: "What others may do",
  free: "I am done here",
  pause: "Stop acting",
  resume: "Go on",
  paused: "Stopped. Others can only look.",
  end: "End",
  details: "Details",
  lost: "Reconnecting…",
  here: "{names} can see this page. {key} stops it.",

  // what an agent would like to do
  would: "{name} would like to {act}",
  click: "press {what}",
  doubleclick: "double-click {what}",
  fill: "fill in {what}",
  check: "tick {what}",
  uncheck: "untick {what}",
  select: "choose in {what}",
  key: "press the key {to} in {what}",
  navigate: "open {what}",
  back: "go back a page",
  forward: "go forward a page",
  link: "follow {what}",
  form: "send the form with {what}",
  named: "“{what}”",
  this: "the marked part",
  old: "Now",
  new: "New",
  nothing: "(empty)",
  left: "{seconds} s left",
  jump: "{key} takes you to the question",

  // when it is over
  over: "The session is over",
  nobody: "Nobody sees this page any more.",
  refused: "Nothing was shared",
  unseen: "You did not allow it. Nobody has seen this page.",
  large: "This page cannot be shared",
  elsewhere: "It is too large. Ask for help again on another page.",
  broken: "The connection was lost",
  again: "You can ask again when you are ready.",
  unavailable: "Help is not available just now",
  close: "Close",
  request: "Ask again",
};
