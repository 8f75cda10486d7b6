"""Pure data movement: where every element goes, and the shortest permitted program that sends it there."""
