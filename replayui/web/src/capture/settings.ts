import type { MaskPolicy } from "../page/masks.ts";
import type { Level } from "../protocol/format.ts";

/** What the operator set for a site (replayui/settings.go); what is not set is left out. */
export interface Settings {
  /** version of the parts that belong to this script */
  parts: string;
  /** what nobody else may see of the site's pages */
  mask?: MaskPolicy;
  /** selector of the site's own element that asks for help, in place of ours */
  trigger?: string;
  /** colours and place of our element, as a rule that follows those of trigger.css */
  style?: string;
  /** key that stops agents at once: F8 where none is given */
  stopKey?: string;
  /** language of words for pages that say none, or one that we have no words in */
  language?: string;
  /** words by language and name, in place of ours */
  words?: Record<string, Record<string, string>>;
  /** level that is chosen beforehand where the user is asked */
  level?: Level;
  /** the highest level that the user can grant */
  most?: Level;
  /** selectors of what an agent may use only when the user said yes each time */
  ask?: string[];
}
