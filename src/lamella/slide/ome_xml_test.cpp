// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "lamella/slide/ome_xml_internal.h"

namespace lamella::slide {
namespace {

constexpr const char* kTwoImages = R"(<?xml version="1.0" encoding="UTF-8"?>
<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">
 <Instrument ID="Instrument:0"><Objective ID="Objective:0" NominalMagnification="20.0"/></Instrument>
 <Image ID="Image:0" Name="label"><Pixels SizeX="50" SizeY="40" SizeC="3" SizeZ="1" SizeT="1">
  <Channel ID="Channel:0:0" SamplesPerPixel="3"/><TiffData IFD="0" PlaneCount="1"/></Pixels></Image>
 <Image ID="Image:1" Name="slide"><ObjectiveSettings ID="Objective:0"/>
  <Pixels SizeX="900" SizeY="700" SizeC="3" SizeZ="1" SizeT="1" PhysicalSizeX="500"
    PhysicalSizeXUnit="nm" PhysicalSizeY="0.00025" PhysicalSizeYUnit="mm">
  <Channel ID="Channel:1:0" SamplesPerPixel="1" Name="Red"/>
  <Channel ID="Channel:1:1" SamplesPerPixel="1" Name="Channel 1" Color="16711935"/>
  <Channel ID="Channel:1:2" SamplesPerPixel="1" Name="DAPI" Fluor="DAPI"/>
  <TiffData FirstC="0" IFD="3"/><TiffData FirstC="2" IFD="1"/><TiffData FirstC="1" IFD="2"/>
  </Pixels></Image></OME>)";

TEST(OmeXml, TellsImagesChannelsPagesAndSizes) {
  ASSERT_TRUE(is_ome_xml(kTwoImages));
  const auto images = read_ome_xml(kTwoImages, 4);
  ASSERT_EQ(images.size(), 2u);
  EXPECT_EQ(images[0].name, "label");
  EXPECT_EQ(images[0].pages, (std::vector<std::optional<size_t>>{0}));
  EXPECT_FALSE(images[0].mpp);
  const OmeImage& slide = images[1];
  EXPECT_EQ(slide.size_px, (SizePx{900, 700}));
  ASSERT_TRUE(slide.mpp);
  EXPECT_DOUBLE_EQ(slide.mpp->x, 0.5);
  EXPECT_DOUBLE_EQ(slide.mpp->y, 0.25);
  EXPECT_EQ(slide.objective_power, 20);
  EXPECT_EQ(slide.pages, (std::vector<std::optional<size_t>>{3, 2, 1}));
  ASSERT_EQ(slide.channels.size(), 3u);
  EXPECT_EQ(slide.channels[0].name, "Red");
  EXPECT_EQ(slide.channels[1].name, "");
  EXPECT_EQ(slide.channels[1].colour, 0x00ff00ffu);
  EXPECT_TRUE(slide.channels[2].fluorescent);
}

TEST(OmeXml, PagesBeyondTheFileAreNone) {
  const auto images = read_ome_xml(kTwoImages, 3);
  ASSERT_EQ(images.size(), 2u);
  EXPECT_EQ(images[1].pages[0], std::nullopt);
}

TEST(OmeXml, UnitsThatAreNoLengthGiveNoSize) {
  std::string text = kTwoImages;
  text.replace(text.find("\"nm\""), 4, "\"pixel\"");
  EXPECT_FALSE(read_ome_xml(text, 4)[1].mpp);
}

TEST(OmeXml, DamagedTextNamesNothing) {
  const std::string text = kTwoImages;
  EXPECT_TRUE(read_ome_xml(text.substr(0, text.size() / 2), 4).empty());
  EXPECT_TRUE(read_ome_xml("<OME/>", 4).empty());
  EXPECT_TRUE(read_ome_xml("<Other/>", 4).empty());
  EXPECT_FALSE(is_ome_xml("Aperio Image Library"));
}

}  // namespace
}  // namespace lamella::slide
