#!/usr/bin/env bash
# What: lays photographs that came as PREFIX_CLASS/PICTURE out as
#       domain/kind/thing/picture, for siamese train --layout domains, and Omniglot
#       beside them. Pictures are linked, not copied.
#       What a class is depends on its prefix: a thing of its own kind (groc_pack: one
#       package, its kind is the brand; f360: one fruit, turned; scene: one place), or
#       a kind whose pictures show a thing each (all others).
# How to run: scripts/arrange-photos.sh PHOTOS OMNIGLOT FOLDER
#       PHOTOS   a folder with train/PREFIX_CLASS/*.jpg and train_singles/*/*.jpg
#       OMNIGLOT a folder with alphabet/character/*.png; "" leaves it out
#       FOLDER   is made
set -euo pipefail
if (($# != 3)); then
	echo "usage: scripts/arrange-photos.sh PHOTOS OMNIGLOT FOLDER" >&2
	exit 2
fi
photos=$(realpath "$1") omniglot=$2 out=$3
if [[ -e $out ]]; then
	echo "arrange-photos: $out is there already, expected a folder to be made" >&2
	exit 1
fi
pictures=$out/pictures

# place PICTURE KIND THING: a link to it.
place() {
	mkdir -p "$pictures/$2/$3"
	ln -s "$1" "$pictures/$2/$3/"
}

for folder in "$photos"/train/*/; do
	class=$(basename "$folder")
	for picture in "$folder"*.jpg; do
		stem=$(basename "$picture" .jpg)
		case $class in
		groc_pack_*) brand=${class#groc_pack_} && place "$picture" "groc_pack_${brand%%_*}" "$class" ;;
		f360_*) variety=${class#f360_} && place "$picture" "f360_${variety%%_*}" "$class" ;;
		scene_fiducial_*) place "$picture" scene_fiducial "$class" ;;
		scene_*) place "$picture" "$class" "$class" ;;
		*) place "$picture" "$class" "$stem" ;;
		esac
	done
done
for picture in "$photos"/train_singles/*/*.jpg; do
	stem=$(basename "$picture" .jpg)
	place "$picture" "single_${stem%%[0-9]*}" "$stem"
done
if [[ -n $omniglot ]]; then
	ln -s "$(realpath "$omniglot")" "$out/characters"
fi
