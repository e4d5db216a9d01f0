// What stands between an image and the network, as preprocess.py of a bundle does it with Pillow, byte for byte.
// C++17, the standard library only. Images are PNM (P5 gray, P6 RGB, 8 bit); decode others with a library of yours.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

struct Image {
    int height = 0, width = 0, channels = 0;
    std::vector<std::uint8_t> pixels;  // row by row, channels last
};

struct Rules {  // preprocess.json
    int height = 0, width = 0, channels = 0;
    int padding = -1;  // gray beside an image that keeps its aspect ratio (letterbox); -1: it is stretched
    std::vector<float> mean, std;
};

inline std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + path);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline Image read_pnm(const std::string& path) {
    const std::string file = read_file(path);
    std::size_t at = 2;
    auto number = [&] {
        while (at < file.size() && (std::isspace(static_cast<unsigned char>(file[at])) || file[at] == '#')) {
            if (file[at] == '#') at = std::min(file.find('\n', at), file.size() - 1);
            ++at;
        }
        std::size_t value = 0, digits = 0;
        for (; at < file.size() && std::isdigit(static_cast<unsigned char>(file[at])) && digits < 6; ++at, ++digits)
            value = 10 * value + static_cast<std::size_t>(file[at] - '0');
        return static_cast<int>(value);
    };
    Image image;
    image.channels = file.rfind("P5", 0) == 0 ? 1 : file.rfind("P6", 0) == 0 ? 3 : 0;
    image.width = number();
    image.height = number();
    const int depth = number();
    const std::size_t size = static_cast<std::size_t>(image.width) * image.height * image.channels;
    if (image.channels == 0 || depth != 255 || size == 0 || file.size() < at + 1 + size)
        throw std::runtime_error(path + " is no P5 or P6 image of 8 bits a channel");
    image.pixels.assign(file.begin() + at + 1, file.begin() + at + 1 + size);
    return image;
}

inline Image with_channels(const Image& image, int channels) {  // as Pillow's convert("L") and convert("RGB")
    if (image.channels == channels) return image;
    Image converted{image.height, image.width, channels, {}};
    for (std::size_t at = 0; at < image.pixels.size(); at += image.channels) {
        const std::uint8_t* p = &image.pixels[at];
        if (channels == 1)
            converted.pixels.push_back((p[0] * 19595 + p[1] * 38470 + p[2] * 7471 + 0x8000) >> 16);
        else
            converted.pixels.insert(converted.pixels.end(), 3, p[0]);
    }
    return converted;
}

struct Taps {  // of one output position: where its inputs begin, and their weights times 2^22
    int first;
    std::vector<int> weights;
};

inline std::vector<Taps> bilinear(int from, int to) {  // Pillow's antialiased BILINEAR: a triangle as wide as a step
    const double scale = static_cast<double>(from) / to, support = std::max(scale, 1.0);
    std::vector<Taps> all;
    for (int out = 0; out < to; ++out) {
        const double center = (out + 0.5) * scale;
        const int first = std::max(0, static_cast<int>(center - support + 0.5));
        const int end = std::min(from, static_cast<int>(center + support + 0.5));
        std::vector<double> raw;
        double sum = 0;
        for (int in = first; in < end; ++in) {
            raw.push_back(std::max(0.0, 1.0 - std::abs((in - center + 0.5) * (1.0 / support))));
            sum += raw.back();
        }
        Taps taps{first, {}};
        for (double weight : raw) taps.weights.push_back(static_cast<int>(0.5 + weight / sum * (1 << 22)));
        all.push_back(taps);
    }
    return all;
}

inline Image resized(const Image& image, int height, int width) {  // the rows first, then the columns, as Pillow
    auto pass = [](const Image& source, int target, bool along_rows) {
        const int from = along_rows ? source.width : source.height;
        if (from == target) return source;
        Image made = source;
        (along_rows ? made.width : made.height) = target;
        made.pixels.assign(static_cast<std::size_t>(made.height) * made.width * made.channels, 0);
        const std::vector<Taps> taps = bilinear(from, target);
        const std::size_t stride = (along_rows ? 1 : source.width) * static_cast<std::size_t>(source.channels);
        std::size_t at = 0;
        for (int y = 0; y < made.height; ++y)
            for (int x = 0; x < made.width; ++x) {
                const Taps& tap = taps[along_rows ? x : y];
                const int row = along_rows ? y : tap.first, column = along_rows ? tap.first : x;
                for (int c = 0; c < made.channels; ++c, ++at) {
                    std::size_t in = (static_cast<std::size_t>(row) * source.width + column) * source.channels + c;
                    int sum = 1 << 21;
                    for (int weight : tap.weights) {
                        sum += source.pixels[in] * weight;
                        in += stride;
                    }
                    made.pixels[at] = static_cast<std::uint8_t>(std::clamp(sum >> 22, 0, 255));
                }
            }
        return made;
    };
    return pass(pass(image, width, true), height, false);
}

inline Image fitted(const Image& image, const Rules& rules) {  // stretched, or at the top left of the padding
    if (rules.padding < 0) return resized(image, rules.height, rules.width);
    const long long h = image.height, w = image.width, H = rules.height, W = rules.width;
    const bool wide = w * H >= h * W;
    const int rows = static_cast<int>(wide ? std::max(1LL, (2 * h * W + w) / (2 * w)) : H);
    const int columns = static_cast<int>(wide ? W : std::max(1LL, (2 * w * H + h) / (2 * h)));
    const Image content = resized(image, rows, columns);
    Image frame{rules.height, rules.width, image.channels, {}};
    const std::size_t line = static_cast<std::size_t>(columns) * image.channels;
    const std::size_t whole = static_cast<std::size_t>(rules.width) * image.channels;
    frame.pixels.assign(whole * rules.height, static_cast<std::uint8_t>(rules.padding));
    for (int y = 0; y < rows; ++y)
        std::copy_n(content.pixels.begin() + y * line, line, frame.pixels.begin() + y * whole);
    return frame;
}

inline std::vector<float> to_input(const Image& image, const Rules& rules) {  // channels first, normalised
    const Image ready = fitted(with_channels(image, rules.channels), rules);
    const std::size_t size = static_cast<std::size_t>(rules.height) * rules.width;
    std::vector<float> input(size * rules.channels);
    for (std::size_t at = 0; at < size; ++at)
        for (int c = 0; c < rules.channels; ++c)
            input[c * size + at] = (ready.pixels[at * rules.channels + c] / 255.0f - rules.mean[c]) / rules.std[c];
    return input;
}

// Of JSON only what the two files of a bundle need: an array or a value after its key.
inline std::string json_after(const std::string& json, const std::string& key) {
    const std::size_t at = json.find('"' + key + '"');
    if (at == std::string::npos) throw std::runtime_error("preprocess.json has no " + key);
    return json.substr(json.find(':', at) + 1);
}

inline std::vector<float> json_numbers(const std::string& text) {
    std::vector<float> numbers;
    const char* at = text.c_str() + text.find('[') + 1;
    for (char* end = nullptr;; at = end + std::string(end).find_first_of(",]") + 1) {
        const float number = std::strtof(at, &end);
        if (end == at) return numbers;
        numbers.push_back(number);
        if (end[std::string(end).find_first_of(",]")] == ']') return numbers;
    }
}

inline std::vector<std::string> json_strings(const std::string& text) {  // UTF-8, as bundles write it
    std::vector<std::string> strings;
    for (std::size_t at = text.find('['); (at = text.find_first_of("\"]", at + 1)) != std::string::npos && text[at] == '"';) {
        std::string value;
        for (++at; text[at] != '"'; ++at) {
            if (text[at] == '\\') ++at;  // of what labels.json escapes, \" and \\ are all that a label can hold
            value += text[at];
        }
        strings.push_back(value);
    }
    return strings;
}

inline Rules read_rules(const std::string& path) {
    const std::string json = read_file(path);
    Rules rules;
    rules.height = std::atoi(json_after(json, "height").c_str());
    rules.width = std::atoi(json_after(json, "width").c_str());
    if (json.find("\"letterbox\"") != std::string::npos) rules.padding = std::atoi(json_after(json, "padding").c_str());
    rules.mean = json_numbers(json_after(json, "mean"));
    rules.std = json_numbers(json_after(json, "std"));
    rules.channels = static_cast<int>(rules.mean.size());
    return rules;
}

inline std::vector<double> softmax(const std::vector<float>& logits) {
    const double top = *std::max_element(logits.begin(), logits.end());
    std::vector<double> shares;
    double sum = 0;
    for (float logit : logits) sum += shares.emplace_back(std::exp(logit - top));
    for (double& share : shares) share /= sum;
    return shares;
}
