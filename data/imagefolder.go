package data

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

func init() {
	Register("imagefolder", Format{
		Doc:     "images in a folder for each class, in a directory or a tar, gzipped or not; JPEG, PNG, GIF, BMP, WebP",
		Example: "imagefolder:train.tar.gz?crop=4&flip=1&mean=0.491,0.482,0.447&std=0.247,0.243,0.262",
		Options: append([]Option{
			{"split", "the outer folder to take, such as train, val or test (by use)"},
			{"fit", "how images get the model's size: cover keeps the aspect ratio and cuts, stretch does not (cover)"},
			{"cache", "auto, none, or decoded: keep decoded images in memory (auto: when they take at most 512 MiB)"},
			{"max", "bytes to load into memory at most (8589934592, or half of what there is)"},
		}, imageOptions...),
		Open: openImageFolder,
	})
}

const (
	maxImageFile   = 64 << 20
	maxImagePixels = 1 << 26
	maxImageFiles  = 1 << 25
	autoCache      = 512 << 20
)

// store is a list of image files.
type store interface {
	Names() []string // slash-separated paths
	// File returns the contents of file i; the caller must not change them.
	File(i int) ([]byte, error)
	Close() error
}

func openImageFolder(q Request) (_ Dataset, err error) {
	split := q.Options.String("split", "")
	fit := q.Options.Choice("fit", "cover", "cover", "stretch")
	cache := q.Options.Choice("cache", "auto", "auto", "none", "decoded")
	limit := budgetOf(q.Options)
	if _, _, err := augmentation(q); err != nil {
		return nil, err
	}
	files, err := openStore(q.Path, limit)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			files.Close()
		}
	}()
	list, classes, err := classFolders(files.Names(), split, q.Train)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", q.Path, err)
	}
	classes = matchClasses(list, classes, q.Want.ClassNames)
	p := &filePixels{store: files, path: q.Path, names: files.Names(), list: list, fit: fit}
	natural, err := p.natural()
	if err != nil {
		return nil, err
	}
	target, err := q.Want.imageInput("imagefolder", natural)
	if err != nil {
		return nil, err
	}
	p.frame = target.frame
	labels := make([]int32, len(list))
	for i, f := range list {
		labels[i] = int32(f.class)
	}
	var src pixels = p
	total := int64(len(list)) * int64(p.bytes())
	switch {
	case cache == "decoded" && total > limit.limit:
		return nil, fmt.Errorf("decoded images take %d bytes, more than max=%d allows; leave cache=decoded out", total, limit.limit)
	case cache == "decoded", cache == "auto" && total <= min(autoCache, limit.limit):
		src = newCachedPixels(p, p.bytes())
	}
	d, err := newImageSet(q, src, target, labels, classes)
	if err != nil {
		return nil, err
	}
	d.fit = fit
	return d, nil
}

// imageFile is a file of the store with its class.
type imageFile struct{ index, class int }

var imageSuffixes = []string{".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp"}

func isImage(name string) bool {
	return slices.Contains(imageSuffixes, strings.ToLower(path.Ext(name))) && !strings.HasPrefix(path.Base(name), ".")
}

// classFolders sorts the images by path; their classes are the names of their folders, sorted. Where class folders lie
// in several outer folders, split chooses one: that of the same name, or the usual one for training or scoring.
func classFolders(names []string, split string, train bool) ([]imageFile, []string, error) {
	outer := map[string]bool{}
	for _, name := range names {
		outer[path.Dir(path.Dir(name))] = true
	}
	root, err := chooseSplit(outer, split, train)
	if err != nil {
		return nil, nil, err
	}
	var list []imageFile
	index := map[string]int{}
	var classes []string
	for i, name := range names {
		dir := path.Dir(name)
		if path.Dir(dir) != root || dir == "." {
			continue
		}
		list = append(list, imageFile{index: i})
		if class := path.Base(dir); index[class] == 0 {
			index[class] = 1
			classes = append(classes, class)
		}
	}
	if len(list) == 0 {
		return nil, nil, errors.New("no images in class folders; want CLASS/NAME.jpg or train/CLASS/NAME.jpg")
	}
	slices.Sort(classes)
	for k, class := range classes {
		index[class] = k
	}
	slices.SortFunc(list, func(a, b imageFile) int { return strings.Compare(names[a.index], names[b.index]) })
	for k := range list {
		list[k].class = index[path.Base(path.Dir(names[list[k].index]))]
	}
	return list, classes, nil
}

func chooseSplit(outer map[string]bool, split string, train bool) (string, error) {
	var all []string
	for dir := range outer {
		all = append(all, dir)
	}
	slices.Sort(all)
	wanted := []string{split}
	switch {
	case split != "":
	case len(all) == 1:
		return all[0], nil
	case train:
		wanted = []string{"train", "training"}
	default:
		wanted = []string{"val", "valid", "validation", "test"}
	}
	for _, w := range wanted {
		var found []string
		for _, dir := range all {
			if path.Base(dir) == w {
				found = append(found, dir)
			}
		}
		if len(found) == 1 {
			return found[0], nil
		}
	}
	if len(all) > 8 {
		all = append(all[:8], "…")
	}
	if split != "" {
		return "", fmt.Errorf("no outer folder %q (there are: %s)", split, strings.Join(all, " "))
	}
	return "", fmt.Errorf("class folders lie in several outer folders (%s); choose with ?split=NAME", strings.Join(all, " "))
}

// matchClasses gives the folders the indices that the model was trained with, when it says so and knows them all.
func matchClasses(list []imageFile, classes, trained []string) []string {
	index := make([]int, len(classes))
	for k, name := range classes {
		if index[k] = slices.Index(trained, name); index[k] < 0 {
			return classes // another task: the model is fine-tuned
		}
	}
	for i := range list {
		list[i].class = index[list[i].class]
	}
	return trained
}
