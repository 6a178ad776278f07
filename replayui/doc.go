// Package replayui serves people: the capture script and its socket on the
// site's side, the agent console, the replay player and their JSON interface
// on the console's side. It seals ended sessions into recordings, and leads
// what a viewer loads to the archive.
package replayui
